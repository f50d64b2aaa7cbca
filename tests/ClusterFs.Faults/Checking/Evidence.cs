using ClusterFs.Demo.Status;
using ClusterFs.Faults.Injection;
using ClusterFs.Faults.Workload;

namespace ClusterFs.Faults.Checking;

/// <summary>Everything that is known of a run when it is over: what the checker judges by.</summary>
internal sealed record Evidence
{
    /// <summary>The processes of the workload, the earliest first.</summary>
    public required IReadOnlyList<WriterLife> Lives { get; init; }

    /// <summary>The head of the line, restored.</summary>
    public required StoredRecords Line { get; init; }

    /// <summary>All divergent dumps together.</summary>
    public required StoredRecords Divergent { get; init; }

    /// <summary>What lies on the nodes' disks at the end, by node.</summary>
    public required IReadOnlyDictionary<string, StoredRecords> Disks { get; init; }

    /// <summary>What the owners said was at risk, in order.</summary>
    public required IReadOnlyList<RiskAnnouncement> Announcements { get; init; }

    public required IReadOnlyList<InjectedFault> Faults { get; init; }

    public required IReadOnlyList<PlannedMove> Moves { get; init; }

    /// <summary>The ownership journal of the service, in order.</summary>
    public required IReadOnlyList<JournalRow> Journal { get; init; }

    /// <summary>The epoch table of the service.</summary>
    public required IReadOnlyList<GrantedEpoch> EpochTable { get; init; }

    public required IReadOnlyList<QuietTime> QuietTimes { get; init; }
}

/// <param name="Sequence">Dense, from 1.</param>
/// <param name="Kind">Its manifest.</param>
/// <param name="Granted">For a grant, what was granted.</param>
internal sealed record JournalRow(long Sequence, string Kind, GrantedEpoch? Granted);

internal sealed record GrantedEpoch(long Epoch, string Node);

/// <summary>A time without faults.</summary>
/// <param name="Round">After which round; 0 for the start.</param>
/// <param name="Began">On the boot-time clock, when the last fault was undone.</param>
/// <param name="OwnerAfter">When the workload wrote again; null for not within the bound.</param>
/// <param name="MembersAfter">When all nodes were members of one cluster; null for not within the bound.</param>
internal sealed record QuietTime(int Round, TimeSpan Began, TimeSpan? OwnerAfter, TimeSpan? MembersAfter);
