using ClusterFs.Archive.Manifests;
using ClusterFs.Posix;

namespace ClusterFs.Content.Static;

/// <summary>
/// How the files of a generation that a node holds in part have been used there. The kernel notes it: reading a copy sets its time of access, and following a
/// link to shared storage sets that of the link, so that it is known on this node's disk for both.
/// </summary>
internal static class CacheUse
{
    private const long NanosecondsPerDay = 86_400_000_000_000;
    private const long NanosecondsPerTick = 100;

    /// <param name="entries">Of the generation that is to be held.</param>
    /// <param name="tree">What is held, of it or of one before; null for nothing.</param>
    /// <param name="now">Of the clock that files are stamped with.</param>
    public static IEnumerable<CacheCandidate> Of(IEnumerable<ManifestEntry> entries, OwnedTree? tree, DateTimeOffset now)
    {
        var nowNs = (now - DateTimeOffset.UnixEpoch).Ticks * NanosecondsPerTick;
        foreach (var entry in entries)
        {
            if (entry is not { Kind: FileKind.File, SameAs: null, Content: { } content })
            {
                continue;
            }

            yield return tree?.Find(entry.Path) is { } found
                ? new CacheCandidate(entry.Path, content.Size, Math.Max(0, nowNs - found.AccessedNs) / NanosecondsPerDay, IsHere: found.Status.Kind == FileKind.File)
                : new CacheCandidate(entry.Path, content.Size, 0, IsHere: false);
        }
    }
}
