using ClusterFs.Archive.Lineage;
using ClusterFs.Lease;
using ClusterFs.Node.Content;
using ClusterFs.Node.Draining;
using ClusterFs.Node.Guards;
using ClusterFs.Ownership.Messages;

namespace ClusterFs.Node.Agents;

/// <summary>What one agent shows of its service, as of its last change.</summary>
/// <param name="SightAt">When the agent saw that.</param>
/// <param name="View">What the ownership actor said last; null for never.</param>
internal sealed record ServiceSnapshot(
    string Service, GuardReport? Guard, NodeSight Sight, Instant SightAt, OwnershipView? View, DumpSeen? Newest, int? Divergent, DumpCondition Dumps)
{
    public WorkTally Tally { get; init; } = WorkTally.None;

    /// <summary>What is left of it to be moved away, should the node be drained.</summary>
    public DrainStep Draining { get; init; } = DrainStep.Gone;

    /// <summary>Until when the view counts: what a node that is cut off heard last may be of long ago.</summary>
    public Instant ViewCountsUntil { get; init; }

    /// <summary>The view; null when there is none, or it is too old.</summary>
    public OwnershipView? FreshView(Instant now) => ViewCountsUntil.MayHaveComeBy(now) ? null : View;
}

/// <summary>How dumps are going.</summary>
internal sealed record DumpCondition(bool Ok, string? Error, DateTimeOffset? LastErrorAt, string? Guarantee)
{
    /// <summary>What somebody has to look at although dumps succeed; null when nothing.</summary>
    public string? Warning { get; init; }

    /// <summary>What is kept of large files; null where no dump was taken yet.</summary>
    public KeptFigures? Kept { get; init; }

    public static DumpCondition Unknown { get; } = new(true, null, null, null);
}
