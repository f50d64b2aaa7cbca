using System.Collections.Immutable;

namespace ClusterFs.Lease.Holder;

public enum LeasePhase
{
    /// <summary>Granted and consumed; no round has been acked by a majority yet.</summary>
    Acquiring,

    /// <summary>The lease is valid; the service waits for its content.</summary>
    Held,

    /// <summary>The service was started under a valid lease.</summary>
    Running,

    /// <summary>A planned end: the service is being stopped; renewals go on.</summary>
    Draining,

    /// <summary>The service is dead and the lease still renewed, so that a last dump can be taken before anyone else starts.</summary>
    Drained,

    /// <summary>The lease runs out: the service is being stopped before the deadline, and nothing is renewed any more.</summary>
    Stopping,

    /// <summary>Over for good. A closed epoch is never used again.</summary>
    Closed,
}

/// <summary>One service's lease on the node that holds it.</summary>
/// <param name="Tenure">
/// The epoch that this node's unbroken ownership began with. A grant in place raises <paramref name="Epoch"/> and nothing else: all that runs on
/// the node, and its claim in the archive, go by the tenure.
/// </param>
/// <param name="ValidUntil">The deadline: when the service must be dead. Null until a majority acked a round.</param>
/// <param name="GivesUpAt">When an epoch that never got a majority is closed.</param>
public sealed record HeldLease(
    string Service,
    long Epoch,
    long Tenure,
    ImmutableSortedSet<string> Voters,
    LeaseTimings Timings,
    LeasePhase Phase,
    Instant GivesUpAt,
    Instant? ValidUntil = null)
{
    /// <summary>When the next round begins.</summary>
    public Instant NextRoundAt { get; init; }

    /// <summary>It was brought forward, because the round before it is not likely to find a majority.</summary>
    public bool IsNextRoundEarly { get; init; }

    /// <summary>Voters that were not heard of in the last round that ended or found no majority, nor since.</summary>
    public ImmutableSortedSet<string> Silent { get; init; } = ImmutableSortedSet.Create<string>(StringComparer.Ordinal);

    /// <summary>Rounds that may still be answered, oldest first.</summary>
    public ImmutableList<Round> Rounds { get; init; } = [];

    public bool Prepared { get; init; }

    /// <summary>Why the service is or was stopped; for people.</summary>
    public string? Reason { get; init; }

    /// <summary>When stopping must begin for the service to be dead at the deadline.</summary>
    public Instant? StopAt => ValidUntil - Timings.StopBudget;

    /// <summary>When everything is killed: late enough for a clean stop, early enough for the kill to be over at the deadline.</summary>
    public Instant? KillAt => ValidUntil - (Timings.StopBudget / 3);
}

/// <param name="BegunAt">Read before the first message of the round left: the lease runs from here, not from the acks.</param>
public sealed record Round(long Number, Instant BegunAt, ImmutableSortedSet<string> AckedBy)
{
    /// <summary>Voters that were heard to be out of reach in this round. What they still answer counts all the same.</summary>
    public ImmutableSortedSet<string> UnansweredBy { get; init; } = ImmutableSortedSet.Create<string>(StringComparer.Ordinal);
}

/// <summary>Everything a holder knows of the leases of its node.</summary>
/// <param name="Incarnation">Made up by each process, so that answers to its predecessor count for nothing (R6).</param>
public sealed record HolderState(string Node, string BootId, Guid Incarnation, DurableHolderState Durable)
{
    public ImmutableSortedDictionary<string, HeldLease> Leases { get; init; } =
        ImmutableSortedDictionary.Create<string, HeldLease>(StringComparer.Ordinal);

    public long LastRound { get; init; }
}

/// <summary>What is synced to disk before a grant is used (R3). By service.</summary>
public sealed record DurableHolderState(ImmutableSortedDictionary<string, ConsumedEpoch> Consumed)
{
    public static DurableHolderState Empty { get; } = new(ImmutableSortedDictionary.Create<string, ConsumedEpoch>(StringComparer.Ordinal));
}

/// <summary>The highest epoch that was ever used here, and who vouched for it.</summary>
public sealed record ConsumedEpoch(long Epoch, ImmutableSortedSet<string> Voters);
