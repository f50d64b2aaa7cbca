using ClusterFs.Archive.Capture;
using ClusterFs.Posix;

namespace ClusterFs.Content.Static;

/// <summary>What a directory looked like before it was read.</summary>
/// <param name="SeenAt">
/// What the clock of its file system had reached: the time of its newest change. A file that was changed a tick earlier shows any later change.
/// </param>
internal sealed record SourceScan(string Root, long Entries, long Bytes, long SeenAt, IReadOnlyList<(string Path, FileIdentity Identity)> Identities)
{
    /// <exception cref="StaticException">Something in it cannot be read, or has an impossible name.</exception>
    public static SourceScan Of(string root, CancellationToken cancellation)
    {
        var (bytes, seenAt) = (0L, 0L);
        var identities = new List<(string, FileIdentity)>();
        foreach (var entry in Scan(root, cancellation))
        {
            bytes += entry.Status.Kind == FileKind.File ? entry.Status.Size : 0;
            seenAt = Math.Max(seenAt, entry.Status.ChangedNs);
            identities.Add((entry.Path, FileIdentity.Of(entry.Status)));
        }

        return new SourceScan(root, identities.Count, bytes, seenAt, identities);
    }

    /// <summary>A generation is of one moment: all that was read is as it was before.</summary>
    /// <exception cref="StaticException">Somebody changed something meanwhile.</exception>
    public void RequireSame(CancellationToken cancellation)
    {
        var next = 0;
        foreach (var entry in Scan(Root, cancellation))
        {
            if (next == Identities.Count || Identities[next].Path != entry.Path || Identities[next].Identity != FileIdentity.Of(entry.Status))
            {
                throw Changed(entry.Path);
            }

            next++;
        }

        if (next < Identities.Count)
        {
            throw Changed(Identities[next].Path);
        }
    }

    private static IEnumerable<ScannedEntry> Scan(string root, CancellationToken cancellation) => TreeScan.Scan(root, cancellation);

    private StaticException Changed(string path) => new(
        $"{Path.Combine(Root, path)} was changed, made or deleted while {Root} was read; publish when nobody writes there; nothing is published");
}
