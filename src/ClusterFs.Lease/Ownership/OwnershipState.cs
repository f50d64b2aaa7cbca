using System.Collections.Immutable;
using ClusterFs.Lease.Voter;

namespace ClusterFs.Lease.Ownership;

/// <summary>What does not change while an incarnation lives.</summary>
/// <param name="Voters">The configured voters: the set of the next grant.</param>
/// <param name="Nodes">The nodes that may own the service, most wanted first.</param>
public sealed record OwnershipSettings(string Service, ImmutableSortedSet<string> Voters, ImmutableArray<string> Nodes, LeaseTimings Timings)
{
    /// <summary>How often the nodes report.</summary>
    public ReportPace Pace { get; init; } = ReportPace.Fastest;

    /// <summary>Null: a service is started again however often it ends.</summary>
    public FlapDamping? Damping { get; init; }

    /// <summary>Null where there is no fence command.</summary>
    public PowerFencing? PowerFencing { get; init; }

    /// <summary>The services that matter for where it is and when it may start.</summary>
    public Company Company { get; init; } = Company.None;

    /// <summary>When it goes back to the first of its nodes.</summary>
    public FailbackPolicy Failback { get; init; } = FailbackPolicy.Never;
}

/// <summary>Everything one incarnation of a service's ownership knows.</summary>
/// <param name="Incarnation">Made up by each incarnation: answers to another one's questions count for nothing (R6).</param>
/// <param name="BelieveExpiryFrom">A TTL after the recovery or the last grant: before it, only a grant that was used is believed to have expired (R13).</param>
public sealed record OwnershipState(OwnershipSettings Settings, Guid Incarnation, OwnershipRecord Record, Instant BelieveExpiryFrom)
{
    public ImmutableSortedDictionary<string, HeardReport> Reports { get; init; } =
        ImmutableSortedDictionary.Create<string, HeardReport>(StringComparer.Ordinal);

    /// <summary>The nodes that the cluster does not reach.</summary>
    public ImmutableSortedSet<string> Away { get; init; } = ImmutableSortedSet.Create<string>(StringComparer.Ordinal);

    /// <summary>An event on its way to the journal: nothing else is decided meanwhile.</summary>
    public OwnershipEvent? Pending { get; init; }

    public bool Reserving { get; init; }

    public ProbeRound? Probing { get; init; }

    /// <summary>When the next round of probes begins.</summary>
    public Instant NextProbeAt { get; init; }

    public FenceRound? Fencing { get; init; }

    /// <summary>Voters that were told their floor and still wait out what their lost state may have promised, with the state that said so.</summary>
    public ImmutableSortedDictionary<string, Guid> Waiting { get; init; } =
        ImmutableSortedDictionary.Create<string, Guid>(StringComparer.Ordinal);

    /// <summary>The promise of a majority was seen to have ended in one fresh round.</summary>
    public bool Expired { get; init; }

    /// <summary>So said the newest round that came to a result, however long ago: for what is told, never for what is granted.</summary>
    public bool SaidExpired { get; init; }

    /// <summary>The owner is to be fenced although its promises run, because its power can be cut.</summary>
    public bool Suspected { get; init; }

    /// <summary>What the fence command said last.</summary>
    public NodeFenced? PowerAnswer { get; init; }

    /// <summary>Null when none waits.</summary>
    public AskedMove? AskedMove { get; init; }

    /// <summary>A request that is answered when its event is in the journal.</summary>
    public Guid? Asking { get; init; }

    public long LastNonce { get; init; }

    /// <summary>What other services mean for the next grant.</summary>
    public Placement Placement { get; init; } = Placement.None;

    /// <summary>Null when the owner does not say that the service runs.</summary>
    public RunningSince? Running { get; init; }

    /// <summary>The voters that decide on the newest epoch (R15).</summary>
    public ImmutableSortedSet<string> Electorate => Record.Grant?.Voters ?? Settings.Voters;
}

public sealed record HeardReport(NodeReport Report, Instant At)
{
    /// <summary>The cluster has not reached the node since.</summary>
    public bool IsOld { get; init; }
}

/// <summary>One nonce'd round of probes; its answers prove something only together and while fresh (R13).</summary>
public sealed record ProbeRound(Guid Nonce, Instant BegunAt, ImmutableSortedDictionary<string, ProbeReply> Answers);

/// <param name="Raised">By voter: until when its old promise may still run.</param>
public sealed record FenceRound(Guid Nonce, long Epoch, Instant AskedAt, ImmutableSortedDictionary<string, Instant> Raised)
{
    /// <summary>The voters that the fence was begun for: whoever of them promises again has been renewed since.</summary>
    public ImmutableSortedSet<string> SaidExpired { get; init; } = [];

    /// <summary>The fence command was begun.</summary>
    public bool PowerAsked { get; init; }
}
