namespace ClusterFs.Demo.Layout;

/// <summary>The executables under test.</summary>
/// <param name="Clusterfs">The command line, with <c>clusterfsd</c> beside it.</param>
public sealed record Binaries(string Clusterfs)
{
    /// <summary>Names the directory of <c>clusterfs</c>; by default <c>out/bin</c> of the repository.</summary>
    public const string Variable = "CLUSTERFS_BIN";

    /// <summary>The service of the demo.</summary>
    /// <exception cref="ConditionNotMetException">It is not built.</exception>
    public string Guestbook
    {
        get
        {
            var built = Path.Combine(Path.GetDirectoryName(Clusterfs)!, "..", "demo", "guestbook");
            string[] places = [built, Path.Combine(AppContext.BaseDirectory, "guestbook")];
            return Path.GetFullPath(places.FirstOrDefault(File.Exists)
                ?? throw new ConditionNotMetException($"{Path.GetFullPath(built)} is missing: run ./build.sh demo or ./build.sh test"));
        }
    }

    /// <exception cref="ConditionNotMetException">They are not built; the message says how to build them.</exception>
    public static Binaries Find()
    {
        var directory = Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } named ? named : FromRepository();
        var clusterfs = Path.Combine(directory, "clusterfs");
        foreach (var file in (string[])[clusterfs, Path.Combine(directory, "clusterfsd")])
        {
            if (!File.Exists(file))
            {
                throw new ConditionNotMetException($"{file} is missing: run ./build.sh build, or name its directory in {Variable}");
            }
        }

        return new Binaries(Path.GetFullPath(clusterfs));
    }

    private static string FromRepository()
    {
        for (var directory = new DirectoryInfo(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
        {
            if (File.Exists(Path.Combine(directory.FullName, "ClusterFs.sln")))
            {
                return Path.Combine(directory.FullName, "out", "bin");
            }
        }

        throw new ConditionNotMetException(
            $"name the directory of clusterfs in {Variable}: {AppContext.BaseDirectory} is in no repository");
    }
}
