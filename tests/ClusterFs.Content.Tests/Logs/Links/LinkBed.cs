using ClusterFs.Content.Logs;
using ClusterFs.Content.Logs.Links;

namespace ClusterFs.Content.Tests.Logs.Links;

/// <summary>The link of one node and the shared storage that it leads to, with crashes where a test wants them.</summary>
internal sealed class LinkBed : IDisposable
{
    public LinkBed()
    {
        Root = Directory.CreateTempSubdirectory("clusterfs-links-").FullName;
        Directory.CreateDirectory(Path.Combine(Shared, "clusterfs"));
        Directory.CreateDirectory(Path.GetDirectoryName(Link)!);
    }

    public string Root { get; }

    public string Shared => Path.Combine(Root, "shared");

    public string Link => Path.Combine(Root, "var", "wiki");

    public string Target => LogLayout.Target(Shared, "wiki", "n1", Link);

    /// <summary>Called at every point; throws to crash there.</summary>
    public Action<string> AtPoint { get; set; } = _ => { };

    public bool MaySettle { get; set; } = true;

    /// <summary>What a daemon that has just started does about the link.</summary>
    /// <param name="isThere">Shared storage.</param>
    public bool Settle(bool isThere = true)
    {
        var place = new LogLink(Link, Target, TimeProvider.System, AtPoint);
        var owner = place.Owner;
        if (isThere)
        {
            owner = new SharedLogs(Shared, Target, "n1").Check(owner, place.Look() == LinkKind.Directory);
        }

        return place.Settle(isThere, owner ?? DirectoryOwner.OfThisProcess);
    }

    /// <summary>What it does about what waits.</summary>
    public IReadOnlyList<MoveOutcome> Move()
    {
        var outcomes = new List<MoveOutcome>();
        foreach (var directory in new LogLink(Link, Target, TimeProvider.System, AtPoint).Waiting)
        {
            var to = Path.Combine(Path.GetDirectoryName(Target)!, LogLayout.MovedName(Link, Path.GetFileName(directory)));
            outcomes.Add(new LogMove(directory, to, () => MaySettle, [], AtPoint).Run(CancellationToken.None));
        }

        LogMove.ForgetDone(LogLayout.LocalDirectory(Link));
        return outcomes;
    }

    /// <summary>A program that has opened a log, as the service calls it, and never opens it again.</summary>
    public StreamWriter Open(string name) =>
        new(new FileStream(Path.Combine(Link, name), FileMode.Append, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete)) { AutoFlush = true };

    /// <summary>All lines of a log, of all files that it came to be in, on shared storage; sorted.</summary>
    public string[] OnShared(string name) => LinesBelow(Path.GetDirectoryName(Target)!, name);

    /// <summary>What lies beside the link, but for an empty spool.</summary>
    public string[] LeftBeside() =>
    [
        .. Directory.EnumerateFileSystemEntries(LogLayout.LocalDirectory(Link), "*", SearchOption.AllDirectories)
            .Where(path => path != LogLayout.Spool(Link) && Path.GetFileName(path) is not (SpaceReserve.Name or "reopen-due")).Select(path => Path.GetRelativePath(Root, path)),
    ];

    public void Dispose() => Directory.Delete(Root, recursive: true);

    public static string[] LinesBelow(string directory, string name) =>
    [
        .. Directory.EnumerateFiles(directory, $"{name}*", SearchOption.AllDirectories).SelectMany(File.ReadAllLines).Order(StringComparer.Ordinal),
    ];
}
