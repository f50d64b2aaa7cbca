using ClusterFs.Archive.Rehearsal;
using ClusterFs.Lease;

namespace ClusterFs.Node.Agents;

/// <summary>When this node rehearses a service.</summary>
/// <param name="Every">From a rehearsal that went well to the next.</param>
/// <param name="Place">Of this node among those that may run the service, from 0.</param>
/// <param name="Nodes">How many those are.</param>
internal sealed record RehearsalPace(TimeSpan Every, int Place, int Nodes);

/// <summary>What an agent knows of its node's rehearsals.</summary>
internal sealed record RehearsalState
{
    public static RehearsalState Unknown { get; } = new();

    public RehearsalHistory History { get; init; } = RehearsalHistory.None;

    /// <summary>When the next one is to begin; null while it is not known how the ones before went.</summary>
    public Instant? DueAt { get; init; }

    /// <summary>When the next one should have gone well at the latest; null while it is not known how the ones before went.</summary>
    public Instant? OverdueAt { get; init; }

    /// <summary>Whether another node said that it rehearses this service.</summary>
    public bool OthersRehearse { get; init; }

    /// <summary>When the one began that is under way; null when none is.</summary>
    public Instant? BegunAt { get; init; }

    /// <summary>Whether it has had its turn on this node.</summary>
    public bool IsRunning { get; init; }

    /// <summary>When it was heard of last.</summary>
    public Instant? HeardAt { get; init; }

    /// <summary>How far its restore is, in words; null while it waits for its turn, syncs, or its check runs, which has a limit of its own.</summary>
    public string? Progress { get; init; }

    /// <summary>Why the newest could not even be begun; null when it could.</summary>
    public string? Obstacle { get; init; }
}
