using ClusterFs.Archive.Log;
using ClusterFs.Archive.Restore;

namespace ClusterFs.Archive.Lineage;

public sealed partial class LocalContent
{
    /// <summary>
    /// Puts a dump, of any age, in the place of what the live path holds; only what differs is fetched, and where that is little, only that is written. A crash
    /// at any point leaves the old content or the new one whole; at the live path, or away from it until the next operation, which completes it. No process may
    /// use the live path meanwhile. Content that was opened under an epoch and is not in the line is kept as divergent first, and the next dump under that epoch
    /// makes the restored content the head of the line. Any other content is gone afterwards.
    /// </summary>
    /// <returns>What was kept; null when nothing had to be.</returns>
    public DivergentRecord? RestoreOver(DumpRecord dump, IProgress<RestoreProgress>? progress, CancellationToken cancellation) => InTurn(
        () =>
        {
            RequireReplaceable(_live, Path.GetDirectoryName(_live)!);
            _archive.Layout.RequireHome();
            var marker = LoadMarker();
            DivergentRecord? kept = null;
            if (marker.Content is { } origin)
            {
                var (caughtUp, supersededBy, _) = CatchUp(origin, cancellation);
                if (supersededBy is not null)
                {
                    throw new LocalContentException(
                        $"{supersededBy.Event} after {_live} was opened: it is no more this node's to restore. Name another directory.");
                }

                marker = marker with { Content = caughtUp };
                _directory.Save(marker);
                if (StateOfLocal() == LocalState.Present)
                {
                    (kept, marker) = KeepIfDivergent(marker, $"slot {dump.Slot} was restored over it", cancellation);
                }

                AtPoint("kept");
                Replace(
                    marker, NewNonce(), caughtUp with { DumpSlot = dump.Slot, Rewound = true }, dump, mayUseStandby: false, progress, cancellation);
                return kept;
            }

            Replace(marker, NewNonce(), null, dump, mayUseStandby: false, progress, cancellation);
            return null;
        },
        cancellation);
}
