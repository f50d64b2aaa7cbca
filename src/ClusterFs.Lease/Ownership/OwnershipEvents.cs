using System.Collections.Immutable;

namespace ClusterFs.Lease.Ownership;

/// <summary>What the journal of one service remembers, in order.</summary>
/// <param name="At">When it was journalled, by a wall clock: for people, never for a decision.</param>
public abstract record OwnershipEvent(DateTimeOffset At);

/// <summary>A voter without state joins: journalled before it is told its floor, so that a fence in flight elsewhere conflicts (R2).</summary>
public sealed record VoterJoined(DateTimeOffset At, string Voter, Guid Identity) : OwnershipEvent(At);

/// <summary>Floors are about to be raised to an epoch (R12).</summary>
/// <param name="Cause">Why the service needs a new epoch.</param>
public sealed record FencingBegun(DateTimeOffset At, long Epoch, GrantCause Cause) : OwnershipEvent(At);

/// <summary>A node may write under an epoch, once a majority of these voters acknowledges it (R15).</summary>
public sealed record OwnershipGranted(
    DateTimeOffset At, long Epoch, string Node, ImmutableSortedSet<string> Voters, TimeSpan Ttl, TimeSpan StopBudget, GrantCause Cause)
    : OwnershipEvent(At)
{
    /// <summary>What the owner before may have written that is in no dump, where it was lost; null where it was not, or nobody knows. For people.</summary>
    public AtRisk? Lost { get; init; }
}

/// <summary>What a node may have written and not dumped.</summary>
/// <param name="Seconds">From a moment whose content is all in the archive to the grant of the next epoch.</param>
/// <param name="Bytes">Roughly how much that was when the node was heard last.</param>
public sealed record AtRisk(string Node, double Seconds, long Bytes);

/// <summary>
/// The owner goes on under a higher epoch, without stopping: a fence for that epoch had reached some voters and was broken off, because the
/// owner lives, and those voters refuse the epoch before (R13). Voters, TTL and stop budget stay those of the grant that it continues.
/// </summary>
public sealed record OwnershipContinued(DateTimeOffset At, long Epoch, string Node) : OwnershipEvent(At);

/// <summary>The epoch's holder said that its service is dead and the epoch closed for good.</summary>
public sealed record OwnershipReleased(DateTimeOffset At, long Epoch, string Node, string Reason) : OwnershipEvent(At)
{
    /// <summary>All that it wrote is in the archive. An epoch may also be over because its lease ran out or its guard ended.</summary>
    public bool HandedOver { get; init; }
}

/// <summary>The fence command was run against the epoch's old owner, after a majority's floor had risen to the epoch (R11).</summary>
/// <param name="Node">Whose power was to be cut.</param>
/// <param name="Outcome">In words; for people.</param>
public sealed record OwnerPowerFenced(DateTimeOffset At, long Epoch, string Node, bool Succeeded, string Outcome) : OwnershipEvent(At);

/// <summary>A planned move has begun.</summary>
public sealed record MoveBegun(DateTimeOffset At, string From, string To, long Epoch) : OwnershipEvent(At)
{
    public MoveReason Why { get; init; }
}

public enum MoveReason
{
    /// <summary>Somebody asked for it.</summary>
    Asked,

    /// <summary>Its preferred node can have it again.</summary>
    Failback,

    /// <summary>What it is kept together with is there.</summary>
    Together,
}

/// <summary>A planned move will not happen any more.</summary>
public sealed record MoveAbandoned(DateTimeOffset At, string To, string Reason) : OwnershipEvent(At);

/// <summary>The owner said that the service runs.</summary>
/// <param name="Epoch">That its tenure began with.</param>
public sealed record OwnershipStarted(DateTimeOffset At, long Epoch, string Node) : OwnershipEvent(At);

/// <summary>The service has run for long enough: what was before counts no more.</summary>
/// <param name="Epoch">That its tenure began with.</param>
public sealed record OwnershipSettled(DateTimeOffset At, long Epoch, string Node) : OwnershipEvent(At);

/// <summary>The service came to an end again and again: no automatic grants until resumed.</summary>
/// <param name="Starts">How many epochs in a row did not last.</param>
public sealed record OwnershipDamped(DateTimeOffset At, long Epoch, int Starts) : OwnershipEvent(At);

/// <summary>No automatic grants until resumed.</summary>
public sealed record OwnershipPaused(DateTimeOffset At) : OwnershipEvent(At);

/// <summary>Grants again, after a pause or after the service was left alone.</summary>
public sealed record OwnershipResumed(DateTimeOffset At) : OwnershipEvent(At);

public enum GrantCause
{
    /// <summary>The service had no owner.</summary>
    Start,

    /// <summary>The owner's lease ran out.</summary>
    Failover,

    /// <summary>Somebody asked for the move.</summary>
    Move,
}
