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
    /// <param name="areNew">Files that are not there have just come, and count as used; otherwise somebody took them away, and they are none.</param>
    public static IEnumerable<CacheCandidate> Of(IEnumerable<ManifestEntry> entries, OwnedTree? tree, DateTimeOffset now, bool areNew)
    {
        var nowNs = (now - DateTimeOffset.UnixEpoch).Ticks * NanosecondsPerTick;
        foreach (var entry in entries)
        {
            if (entry is not { Kind: FileKind.File, SameAs: null, Content: { } content })
            {
                continue;
            }

            if (tree?.Find(entry.Path) is { Status.Kind: FileKind.File or FileKind.SymbolicLink } found)
            {
                yield return new CacheCandidate(entry.Path, content.Size, DaysSince(nowNs - found.AccessedNs), IsHere: found.Status.Kind == FileKind.File);
            }
            else if (areNew)
            {
                yield return new CacheCandidate(entry.Path, content.Size, 0, IsHere: false);
            }
        }
    }

    /// <summary>
    /// The first day does not count. With <c>relatime</c>, the kernel notes a read only where the one that is noted is a day old: what is read all the time
    /// would be unused for a day again and again, and give its place away.
    /// </summary>
    private static long DaysSince(long nanoseconds) => Math.Max(0, nanoseconds - NanosecondsPerDay) / NanosecondsPerDay;
}
