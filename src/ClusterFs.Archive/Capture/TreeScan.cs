using ClusterFs.Posix;

namespace ClusterFs.Archive.Capture;

/// <param name="Path">Relative, parts separated by slashes.</param>
/// <param name="Siblings">Names in the same directory, sorted.</param>
internal sealed record ScannedEntry(string Path, FileStatus Status, IReadOnlyList<string> Siblings);

internal static class TreeScan
{
    /// <summary>
    /// Lists a tree without following symbolic links, in the order of a manifest, one directory's names in memory at a time and those above it.
    /// What vanishes meanwhile is left out.
    /// </summary>
    /// <exception cref="LocalContentException">While enumerating: a directory cannot be read, or a name is not valid UTF-8.</exception>
    public static IEnumerable<ScannedEntry> Scan(string root, CancellationToken cancellation)
    {
        var open = new Stack<(string Directory, List<string> Names, int Next)>();
        open.Push((string.Empty, Names(root), 0));
        while (open.TryPop(out var at))
        {
            cancellation.ThrowIfCancellationRequested();
            while (at.Next < at.Names.Count)
            {
                var name = at.Names[at.Next++];
                var path = at.Directory.Length == 0 ? name : $"{at.Directory}/{name}";
                if (FileStatus.TryRead($"{root}/{path}") is not { } status)
                {
                    RequireReadable(root, path);
                    continue;
                }

                yield return new ScannedEntry(path, status, at.Names);
                if (status.Kind == FileKind.Directory)
                {
                    open.Push(at);
                    at = (path, Names($"{root}/{path}"), 0);
                }
            }
        }
    }

    private static List<string> Names(string directory)
    {
        try
        {
            var names = new List<string>();
            foreach (var path in Directory.EnumerateFileSystemEntries(directory))
            {
                names.Add(Path.GetFileName(path));
            }

            names.Sort(string.CompareOrdinal);
            return names;
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
