using System.Text;
using ClusterFs.Archive.Packs;
using ClusterFs.Posix;

namespace ClusterFs.Archive.Manifests;

/// <summary>
/// What a manifest may ask for. Fed all entries in order; a restore feeds it the whole manifest before it writes the first byte. Not safe for use
/// by several threads.
/// </summary>
internal sealed class ManifestRules
{
    private const int MaxNameBytes = 255;
    private const int MaxPathBytes = 4096;
    private const uint ModeMask = 0xFFF;

    private readonly Stack<string> _directories = [];
    private readonly HashSet<string> _shared = new(StringComparer.Ordinal);
    private string _before = string.Empty;

    public static string? RootObjection(RootAttributes root) => (root.Mode & ~ModeMask) != 0 ? $"its root has the mode {root.Mode}" : null;

    /// <returns>Why the manifest is refused; null while it is sound.</returns>
    public string? Objection(ManifestEntry entry)
    {
        if (PathObjection(entry.Path) is { } objection)
        {
            return $"'{entry.Path}' {objection}";
        }

        if (PathOrder.Compare(_before, entry.Path) >= 0)
        {
            return $"'{entry.Path}' occurs twice or does not follow '{_before}'";
        }

        _before = entry.Path;
        while (_directories.TryPeek(out var open) && !IsInside(entry.Path, open))
        {
            _directories.Pop();
        }

        // Every parent must be a directory made by this very manifest: so nothing is ever written through a symbolic link.
        var slash = entry.Path.LastIndexOf('/');
        if (slash > 0 && (!_directories.TryPeek(out var parent) || !entry.Path.AsSpan(0, slash).SequenceEqual(parent)))
        {
            return $"'{entry.Path}' does not lie in a directory that precedes it";
        }

        if (entry.Kind == FileKind.Directory)
        {
            _directories.Push(entry.Path);
        }

        if (entry.IsShared)
        {
            _shared.Add(entry.Path);
        }

        if ((entry.Mode & ~ModeMask) != 0)
        {
            return $"'{entry.Path}' has the mode {entry.Mode}";
        }

        return entry.Kind switch
        {
            FileKind.SymbolicLink => string.IsNullOrEmpty(entry.Target) || entry.Target.Contains('\0') ? $"'{entry.Path}' is a symbolic link to nothing" : null,
            FileKind.File when entry.SameAs is not null => LinkObjection(entry),
            FileKind.File => ContentObjection(entry.Content!) is { } reason ? $"'{entry.Path}' {reason}" : null,
            _ => null,
        };
    }

    private static bool IsInside(string path, string directory) =>
        path.Length > directory.Length && path[directory.Length] == '/' && path.StartsWith(directory, StringComparison.Ordinal);

    /// <summary>A further name must be one of a file made by this very manifest: so nothing outside is ever linked into a tree.</summary>
    private string? LinkObjection(ManifestEntry entry) =>
        _shared.Contains(entry.SameAs!) ? null : $"'{entry.Path}' is said to be the same as '{entry.SameAs}', which is no file that precedes it";

    /// <returns>Why a path leads nowhere inside of a tree; null where it does.</returns>
    public static string? PathObjection(string path)
    {
        if (path.Length == 0 || path.Contains('\0') || Encoding.UTF8.GetByteCount(path) > MaxPathBytes)
        {
            return "is no possible path";
        }

        foreach (var range in path.AsSpan().Split('/'))
        {
            var name = path.AsSpan()[range];
            if (name is "" or "." or ".." || Encoding.UTF8.GetByteCount(name) > MaxNameBytes)
            {
                return "is absolute, leads out of its tree, or has an impossible part";
            }
        }

        return path.Contains('\uFFFD') ? "is not valid Unicode" : null;
    }

    private static string? ContentObjection(FileContent content)
    {
        if (content.Size < 0 || content.Size > PageMap.MaxSize)
        {
            return $"is said to have {content.Size} bytes";
        }

        if (content.Root is not { } root)
        {
            return content.Size == 0 ? null : $"has {content.Size} bytes and no place where they are";
        }

        return content.Paged || root.Length == content.Size ? null : $"has {content.Size} bytes, its piece {root.Length}";
    }
}
