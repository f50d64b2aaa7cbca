using ClusterFs.Archive.Packs;
using ClusterFs.Posix;

namespace ClusterFs.Archive;

/// <summary>Where everything of one service's archive lies on shared storage.</summary>
internal sealed class ArchiveLayout
{
    private const int MaxNameLength = 100;

    public ArchiveLayout(string sharedPath, string service)
        : this(sharedPath, ["archive", Named(service, "service")])
    {
    }

    private ArchiveLayout(string sharedPath, ReadOnlySpan<string> below)
    {
        Home = Path.Combine(Path.GetFullPath(sharedPath), "clusterfs");
        Root = Path.Combine([Home, .. below]);
        Log = Path.Combine(Root, "log");
        Packs = Path.Combine(Root, "packs");
        Temporary = Path.Combine(Root, "tmp");
        Divergent = Path.Combine(Root, "divergent");
        Readers = Path.Combine(Root, "readers");
    }

    /// <summary>Of the generations of a service's static content.</summary>
    /// <exception cref="ArgumentException">A name cannot be the name of a directory.</exception>
    public static ArchiveLayout OfStatic(string sharedPath, string service, string name) =>
        new(sharedPath, ["static", Named(service, "service"), Named(name, "content")]);

    /// <summary>Made once by the operator: a mount point without its mount does not have it.</summary>
    public string Home { get; }

    public string Root { get; }

    public string Log { get; }

    public string Packs { get; }

    public string Temporary { get; }

    public string Divergent { get; }

    /// <summary>Marks of those who read dumps.</summary>
    public string Readers { get; }

    public string Bundle(string nonce, int level) => Path.Combine(Packs, $"{nonce}.{level}{BundleFormat.Extension}");

    public string Pack(string nonce) => Path.Combine(Packs, $"{nonce}.pack");

    /// <summary>A name for a file under construction; it tells who left it there.</summary>
    public string NewTemporary(string nonce) => Path.Combine(Temporary, $"{nonce}.{Guid.NewGuid():N}");

    /// <summary>Refuses to take a directory without a sign of ClusterFs for an archive that is merely empty.</summary>
    /// <exception cref="SharedStorageException">The sign is missing.</exception>
    public void RequireHome()
    {
        if (!Directory.Exists(Home))
        {
            throw new SharedStorageException(
                Path.GetDirectoryName(Home)!, $"the directory {Home} is missing. Mount the shared storage, or create it once: mkdir {Home}");
        }
    }

    public void CreateDirectories() => SharedStorage.Reach(Root, () =>
    {
        RequireHome();
        foreach (var directory in (string[])[Log, Packs, Temporary, Divergent, Readers])
        {
            Durable.CreateDirectory(directory);
        }
    });

    private static string Named(string name, string what)
    {
        RequireName(name, what);
        return name;
    }

    /// <summary>Names of services and nodes become names of files.</summary>
    /// <exception cref="ArgumentException">It would not be a safe one.</exception>
    public static void RequireName(string name, string what)
    {
        var safe = name.Length is > 0 and <= MaxNameLength && name[0] != '.' && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_');
        if (!safe)
        {
            throw new ArgumentException(
                $"The {what} name '{name}' must be 1 to {MaxNameLength} letters, digits, dots, dashes or underscores, and not begin with a dot.");
        }
    }
}
