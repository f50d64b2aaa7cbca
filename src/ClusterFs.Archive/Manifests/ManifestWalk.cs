using ClusterFs.Posix;

namespace ClusterFs.Archive.Manifests;

/// <summary>The order in which a tree is written from its manifest.</summary>
internal static class ManifestWalk
{
    /// <summary>
    /// Each entry in its order, and each directory a second time when all in it has come, deepest first: making an entry changes its directory's time, and a
    /// directory may deny us writing once it has its mode.
    /// </summary>
    /// <param name="entries">By path, a directory before what is in it.</param>
    public static IEnumerable<(ManifestEntry Entry, bool IsComplete)> InWritingOrder(this IEnumerable<ManifestEntry> entries)
    {
        var open = new Stack<ManifestEntry>();
        foreach (var entry in entries)
        {
            while (open.TryPeek(out var above) && !entry.Path.StartsWith(above.Path + "/", StringComparison.Ordinal))
            {
                yield return (open.Pop(), true);
            }

            if (entry.Kind == FileKind.Directory)
            {
                open.Push(entry);
            }

            yield return (entry, false);
        }

        while (open.TryPop(out var above))
        {
            yield return (above, true);
        }
    }
}
