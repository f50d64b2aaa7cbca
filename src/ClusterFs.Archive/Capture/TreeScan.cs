using ClusterFs.Posix;

namespace ClusterFs.Archive.Capture;

/// <param name="Path">Relative, parts separated by slashes.</param>
internal sealed record ScannedEntry(string Path, FileStatus Status);

/// <summary>What lies in a directory tree.</summary>
/// <param name="Entries">Sorted by path.</param>
/// <param name="Special">Sockets, pipes and devices: not content, made anew by whoever needs them.</param>
internal sealed record ScannedTree(IReadOnlyList<ScannedEntry> Entries, IReadOnlyList<string> Special);

internal static class TreeScan
{
    /// <summary>Lists a tree without following symbolic links. What vanishes meanwhile is left out.</summary>
    /// <exception cref="LocalContentException">A directory cannot be read, or a name is not valid UTF-8.</exception>
    public static ScannedTree Scan(string root, CancellationToken cancellation)
    {
        var entries = new List<ScannedEntry>();
        var special = new List<string>();
        var pending = new Stack<string>([string.Empty]);
        while (pending.TryPop(out var directory))
        {
            cancellation.ThrowIfCancellationRequested();
            foreach (var name in Names(Path.Combine(root, directory)))
            {
                var path = directory.Length == 0 ? name : $"{directory}/{name}";
                if (FileStatus.TryRead(Path.Combine(root, path)) is not { } status)
                {
                    RequireReadable(root, path);
                    continue;
                }

                if (status.Kind == FileKind.Special)
                {
                    special.Add(path);
                    continue;
                }

                entries.Add(new ScannedEntry(path, status));
                if (status.Kind == FileKind.Directory)
                {
                    pending.Push(path);
                }
            }
        }

        entries.Sort((one, other) => string.CompareOrdinal(one.Path, other.Path));
        return new ScannedTree(entries, special);
    }

    private static List<string> Names(string directory)
    {
        try
        {
            return [.. Directory.EnumerateFileSystemEntries(directory).Select(path => Path.GetFileName(path))];
        }
        catch (DirectoryNotFoundException)
        {
            return [];
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new LocalContentException($"The directory {directory} cannot be read: {error.Message} Let the daemon's user read it.", error);
        }
    }

    /// <summary>A name that is not UTF-8 reaches .NET with replacement characters, under which the file cannot be opened.</summary>
    private static void RequireReadable(string root, string path)
    {
        if (Path.GetFileName(path.AsSpan()).Contains('\uFFFD'))
        {
            throw new LocalContentException($"A file name in {root} is not valid UTF-8: '{path}'. Rename it; no dump can be taken before.");
        }
    }
}
