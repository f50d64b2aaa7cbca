using System.Collections.Immutable;
using ClusterFs.Configuration;
using ClusterFs.Posix;

namespace ClusterFs.Content.Logs.Reading;

/// <summary>A file as it was found.</summary>
internal sealed record FoundFile(string Path, LogFileName Name);

/// <summary>One log of one node as it was found.</summary>
/// <param name="Name">As it is shown.</param>
/// <param name="Place">The directory that its files are in.</param>
/// <param name="Files">Oldest first.</param>
internal sealed record FoundLog(string Node, string Name, string Place, ImmutableArray<FoundFile> Files);

/// <summary>Looks for the logs of a service: all nodes' on shared storage, and on this node what was not moved there yet.</summary>
/// <param name="whereShared">Asked at each look; null while it is away.</param>
/// <param name="settings">Of the service.</param>
/// <param name="nodes">Of the cluster.</param>
/// <param name="local">This node.</param>
internal sealed class LogCatalog(Func<string?> whereShared, string service, LogsSettings settings, IReadOnlyCollection<string> nodes, string local)
{
    private const int MostDeep = 8;
    private readonly NodeInName? _nodeInName = settings.FileName is { } pattern ? new NodeInName(pattern) : null;

    /// <summary>At the last look.</summary>
    public bool SharedWasThere { get; private set; }

    /// <param name="note">Told of what cannot be looked at.</param>
    public ImmutableArray<FoundLog> Find(Action<string> note)
    {
        var shared = whereShared();
        SharedWasThere = shared is not null;
        var found = new Dictionary<(string Node, string Name, string Place), List<FoundFile>>();
        foreach (var directory in shared is null ? [] : DirectoriesIn(LogLayout.ServiceDirectory(shared, service), note))
        {
            foreach (var linked in DirectoriesIn(directory, note))
            {
                FindIn(linked, Path.GetFileName(directory), found, note);
            }
        }

        foreach (var link in settings.Links)
        {
            FindLocal(link, shared, found, note);
        }

        return
        [
            .. found
                .Select(log => new FoundLog(log.Key.Node, log.Key.Name, log.Key.Place, InOrder(log.Value)))
                .OrderBy(log => log.Node, StringComparer.Ordinal)
                .ThenBy(log => log.Name, StringComparer.Ordinal)
                .ThenBy(log => log.Place, StringComparer.Ordinal),
        ];
    }

    /// <summary>Of a file that is there compressed too, the plain one: it is whole, the other may be in the making.</summary>
    internal static ImmutableArray<FoundFile> InOrder(IReadOnlyCollection<FoundFile> files) =>
    [
        .. files
            .Where(file => file.Name.Compression.Length == 0 || !files.Any(other => other.Name.Compression.Length == 0 && other.Name.IsSameButCompressed(file.Name)))
            .Order(Comparer<FoundFile>.Create((one, other) => one.Name.CompareTo(other.Name))),
    ];

    /// <summary>A directory of one link, or one that was moved.</summary>
    private void FindIn(string directory, string node, Dictionary<(string Node, string Name, string Place), List<FoundFile>> found, Action<string> note)
    {
        var link = LogLayout.LinkOf(Path.GetFileName(directory));
        Walk(directory, "", MostDeep, note, (path, relative) =>
        {
            var file = LogFileName.Parse(Path.GetFileName(relative));
            Add(found, _nodeInName?.NodeOf(file.Name, nodes) ?? node, link, relative, file, path, directory);
        });
    }

    /// <summary>What is in a moved directory on shared storage already is read there, but for what still is here.</summary>
    private void FindLocal(string link, string? shared, Dictionary<(string Node, string Name, string Place), List<FoundFile>> found, Action<string> note)
    {
        foreach (var directory in DirectoriesIn(LogLayout.LocalDirectory(link), note))
        {
            var name = Path.GetFileName(directory);
            if (name != Path.GetFileName(LogLayout.Spool(link)) && !LogLayout.IsTime(name))
            {
                continue;
            }

            var moved = Path.Combine(LogLayout.NodeDirectory(shared ?? "", service, local), LogLayout.MovedName(link, name));
            Walk(directory, "", MostDeep, note, (path, relative) =>
            {
                foreach (var files in found.Values)
                {
                    files.RemoveAll(file => file.Path == Path.Combine(moved, relative));
                }

                var file = LogFileName.Parse(Path.GetFileName(relative));
                Add(found, _nodeInName?.NodeOf(file.Name, nodes) ?? local, LogLayout.NameOf(link), relative, file, path, moved);
            });
        }
    }

    private void Add(
        Dictionary<(string Node, string Name, string Place), List<FoundFile>> found,
        string node,
        string link,
        string relative,
        LogFileName file,
        string path,
        string place)
    {
        var name = Path.Combine(Path.GetDirectoryName(relative) ?? "", file.Name);
        var key = (node, settings.Links.Length > 1 ? $"{link}/{name}" : name, place);
        if (!found.TryGetValue(key, out var files))
        {
            found[key] = files = [];
        }

        files.Add(new FoundFile(path, file));
    }

    /// <summary>Links are not followed: they lead to what is found by its own name, or out of the logs.</summary>
    private static void Walk(string directory, string below, int depth, Action<string> note, Action<string, string> found)
    {
        foreach (var path in EntriesIn(directory, note))
        {
            var relative = Path.Combine(below, Path.GetFileName(path));
            switch (KindOf(path, note))
            {
                case FileKind.File when !Path.GetFileName(path).StartsWith('.'):
                    found(path, relative);
                    break;
                case FileKind.Directory when depth > 0:
                    Walk(path, relative, depth - 1, note, found);
                    break;
            }
        }
    }

    private static IEnumerable<string> DirectoriesIn(string directory, Action<string> note) =>
        EntriesIn(directory, note).Where(path => KindOf(path, note) == FileKind.Directory);

    private static FileKind? KindOf(string path, Action<string> note)
    {
        try
        {
            return FileStatus.TryRead(path)?.Kind;
        }
        catch (PosixException problem)
        {
            note(problem.Message);
            return null;
        }
    }

    private static string[] EntriesIn(string directory, Action<string> note)
    {
        try
        {
            var names = DirectoryNames.Of(directory);
            foreach (var name in names.Unreadable)
            {
                note($"{Path.Combine(directory, name)} is left out: its name is not UTF-8");
            }

            return [.. names.Names.Select(name => Path.Combine(directory, name))];
        }
        catch (DirectoryNotFoundException)
        {
            return [];
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            note(problem.Message);
            return [];
        }
    }
}
