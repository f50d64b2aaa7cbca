using System.Text;
using ClusterFs.Posix;

namespace ClusterFs.Archive.Packs;

/// <summary>What a manifest may ask for. Checked whole before the first byte is restored.</summary>
internal static class ManifestRules
{
    private const int MaxNameBytes = 255;
    private const int MaxPathBytes = 4096;
    private const uint ModeMask = 0xFFF;
    private const int HashLength = 64;

    /// <returns>Why the manifest is refused; null when it is sound.</returns>
    public static string? Objection(Manifest manifest)
    {
        if ((manifest.Root.Mode & ~ModeMask) != 0)
        {
            return $"its root has the mode {manifest.Root.Mode}";
        }

        var kinds = new Dictionary<string, FileKind>(StringComparer.Ordinal);
        foreach (var entry in manifest.Entries)
        {
            if (PathObjection(entry.Path) is { } objection)
            {
                return $"'{entry.Path}' {objection}";
            }

            // Every parent must be a directory made by this very manifest: so nothing is ever written through a symbolic link.
            var slash = entry.Path.LastIndexOf('/');
            if (slash > 0 && (!kinds.TryGetValue(entry.Path[..slash], out var parent) || parent != FileKind.Directory))
            {
                return $"'{entry.Path}' does not lie in a directory that precedes it";
            }

            if (!kinds.TryAdd(entry.Path, entry.Kind))
            {
                return $"'{entry.Path}' occurs twice";
            }

            if ((entry.Mode & ~ModeMask) != 0)
            {
                return $"'{entry.Path}' has the mode {entry.Mode}";
            }

            if (entry.Kind == FileKind.SymbolicLink && (string.IsNullOrEmpty(entry.Target) || entry.Target.Contains('\0')))
            {
                return $"'{entry.Path}' is a symbolic link to nothing";
            }

            if (entry.Content is { } content && ContentObjection(content) is { } reason)
            {
                return $"'{entry.Path}' {reason}";
            }
        }

        return null;
    }

    private static string? PathObjection(string path)
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

        return path.EnumerateRunes().Contains(Rune.ReplacementChar) ? "is not valid Unicode" : null;
    }

    private static string? ContentObjection(FileContent content)
    {
        if (content.Sha256.Length != HashLength || !content.Sha256.All(char.IsAsciiHexDigitLower))
        {
            return "has no SHA-256";
        }

        var size = 0L;
        foreach (var extent in content.Extents)
        {
            if (extent.Size is <= 0 or > PackFormat.MaxExtentSize || extent.Length is <= 0 or > PackFormat.MaxExtentLength)
            {
                return "has an extent of absurd size";
            }

            if (extent.Pack.Length != PackFormat.NonceLength || !extent.Pack.All(char.IsAsciiHexDigitLower))
            {
                return $"refers to a pack named '{extent.Pack}'";
            }

            size += extent.Size;
        }

        return size == content.Size ? null : $"has {content.Size} bytes, its extents {size}";
    }
}
