using ClusterFs.Lease;
using ClusterFs.Node.Content;

namespace ClusterFs.Node.Agents;

/// <summary>What an agent knows of its node's standby copy.</summary>
internal sealed record StandbyState
{
    public static StandbyState Unknown { get; } = new();

    /// <summary>The newest dump that somebody said is in the line; its slot. 0 for none.</summary>
    public long ToldOf { get; init; }

    /// <summary>All up to this slot has been followed, or was found to need no copy.</summary>
    public long HandledTo { get; init; }

    /// <summary>The dump that the copy is; null when there is none, or nothing is known of it.</summary>
    public DumpSeen? Copy { get; init; }

    /// <summary>When following began that is under way; null when none is.</summary>
    public Instant? BegunAt { get; init; }

    /// <summary>When it was heard of last.</summary>
    public Instant? HeardAt { get; init; }

    /// <summary>How far it is, in words.</summary>
    public string? Progress { get; init; }

    /// <summary>When it ended last; null for never.</summary>
    public Instant? EndedAt { get; init; }

    /// <summary>Why it failed last; null when it did not.</summary>
    public string? Problem { get; init; }
}
