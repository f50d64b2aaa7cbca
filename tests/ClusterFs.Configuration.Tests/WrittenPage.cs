namespace ClusterFs.Configuration.Tests;

/// <summary>A page of docs/ that is made from what the programs say of themselves. `./build.sh docs` writes them.</summary>
internal static class WrittenPage
{
    private const string Write = "CLUSTERFS_WRITE_DOCS";

    public static void IsUpToDate(string name, string text)
    {
        var file = Path.Combine(Repository(), "docs", name);
        if (Environment.GetEnvironmentVariable(Write) is not null)
        {
            File.WriteAllText(file, text);
        }

        Assert.True(File.Exists(file) && File.ReadAllText(file) == text, $"docs/{name} is not what it is made from: ./build.sh docs writes it anew");
    }

    private static string Repository()
    {
        for (var directory = new DirectoryInfo(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
        {
            if (File.Exists(Path.Combine(directory.FullName, "ClusterFs.sln")))
            {
                return directory.FullName;
            }
        }

        throw new DirectoryNotFoundException($"{AppContext.BaseDirectory} is in no repository");
    }
}
