using ClusterFs.Lease.Ownership;
using ClusterFs.Ownership.Messages;

namespace ClusterFs.Ownership;

/// <summary>Whether a node has about what the owner has dumped, by what both said last. Pure.</summary>
internal static class StandbyCopies
{
    /// <summary>Dumps come every few seconds, and a copy is one behind for a moment after each.</summary>
    private static readonly TimeSpan Slack = TimeSpan.FromMinutes(1);

    public static bool IsCurrent(IReadOnlyCollection<NodeSight> sights, string node, ReportPace pace)
    {
        if (sights.Where(sight => sight.LastDumpSlot > 0).MaxBy(sight => sight.LastDumpSlot) is not { } newest)
        {
            return true;
        }

        // By the owners' wall clocks, and for a move that waits for its copy anyway.
        return sights.FirstOrDefault(sight => sight.Node == node) is { StandbySlot: > 0, StandbyProblem: null } copy
            && (copy.StandbySlot >= newest.LastDumpSlot || newest.LastDumpAt - copy.StandbyAt <= (pace.Counts > Slack ? pace.Counts : Slack));
    }
}
