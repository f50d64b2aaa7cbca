using System.Collections.Immutable;

namespace ClusterFs.Lease.Ownership;

/// <summary>What the journal of one service adds up to: a pure function of its events.</summary>
public sealed record OwnershipRecord
{
    public static OwnershipRecord Empty { get; } = new();

    /// <summary>The highest epoch that floors may have been raised to.</summary>
    public long Epoch { get; init; }

    /// <summary>The newest grant, with the epoch that it was continued under last; null before the first.</summary>
    public OwnershipGranted? Grant { get; init; }

    /// <summary>The epoch of the newest grant when it was granted: what its node knows its ownership by; 0 before the first.</summary>
    public long Tenure { get; init; }

    /// <summary>The newest grant's holder has closed it for good.</summary>
    public bool Closed { get; init; }

    /// <summary>… with all that was written in the archive.</summary>
    public bool HandedOver { get; init; }

    /// <summary>The newest intent to fence.</summary>
    public FencingBegun? Fencing { get; init; }

    /// <summary>What came of the newest fence command; it speaks of its own epoch and node alone.</summary>
    public OwnerPowerFenced? PowerFenced { get; init; }

    /// <summary>The voters that were told their floor, and which state of theirs was told.</summary>
    public ImmutableSortedDictionary<string, Guid> Joined { get; init; } =
        ImmutableSortedDictionary.Create<string, Guid>(StringComparer.Ordinal);

    /// <summary>The longest TTL that was ever granted: what a voter that lost its state may have promised.</summary>
    public TimeSpan LongestTtl { get; init; }

    public MoveBegun? Move { get; init; }

    /// <summary>The newest move back to the preferred node, while it matters for the next; null when it does not.</summary>
    public UnaskedMove? Failback { get; init; }

    /// <summary>The newest move to what it is kept together with; null when there was none since somebody moved or resumed the service.</summary>
    public UnaskedMove? Together { get; init; }

    public bool Paused { get; init; }

    /// <summary>The newest tenure that the service was seen to run under.</summary>
    public long StartedTenure { get; init; }

    /// <summary>How many tenures in a row began unasked, ran the service, and have not lasted (yet).</summary>
    public int Flaps { get; init; }

    /// <summary>The service is left alone since; null when it is not.</summary>
    public OwnershipDamped? Damped { get; init; }

    /// <summary>The grant that a node may be writing under; null when there is none.</summary>
    public OwnershipGranted? OpenGrant => Closed ? null : Grant;

    /// <summary>The epoch that is being fenced and not yet granted; null when there is none.</summary>
    public FencingBegun? OpenFencing => Fencing is { } fencing && fencing.Epoch > (Grant?.Epoch ?? 0) ? fencing : null;

    /// <summary>What a voter without state is told.</summary>
    public Binding Floor => new(Epoch, Grant is { } grant && grant.Epoch == Epoch ? grant.Node : null);

    public OwnershipRecord Apply(OwnershipEvent happened) => happened switch
    {
        VoterJoined joined => this with { Joined = Joined.SetItem(joined.Voter, joined.Identity) },
        FencingBegun fencing => this with { Fencing = fencing, Epoch = fencing.Epoch },
        OwnerPowerFenced fenced => this with { PowerFenced = fenced },
        OwnershipGranted grant => this with
        {
            Grant = grant,
            Tenure = grant.Epoch,
            Closed = false,
            HandedOver = false,
            Epoch = Math.Max(Epoch, grant.Epoch),
            Move = null,
            Failback = Failback?.After(grant),
            Together = Together?.After(grant),
            LongestTtl = grant.Ttl > LongestTtl ? grant.Ttl : LongestTtl,
        },
        OwnershipContinued continued => this with
        {
            Grant = Grant! with { Epoch = continued.Epoch },
            Epoch = Math.Max(Epoch, continued.Epoch),
        },
        OwnershipReleased released => released.Epoch == Grant?.Epoch ? this with { Closed = true, HandedOver = released.HandedOver } : this,
        MoveBegun move => this with { Move = move, Failback = UnaskedMove.Failback(Failback, move), Together = UnaskedMove.Together(Together, move) },
        MoveAbandoned => this with { Move = null, Failback = Failback?.Abandoned(), Together = Together?.Abandoned() },
        OwnershipStarted started => this with
        {
            StartedTenure = started.Epoch,
            Flaps = Flaps + (Grant is { Cause: GrantCause.Start or GrantCause.Failover } ? 1 : 0),
        },
        OwnershipSettled settled => this with
        {
            Flaps = 0,
            Damped = null,
            Failback = settled.Node == Failback?.To ? null : Failback,
            Together = Together?.After(settled),
        },
        OwnershipDamped damped => this with { Damped = damped },
        OwnershipPaused => this with { Paused = true },
        OwnershipResumed => this with { Paused = false, Flaps = 0, Damped = null, Failback = null, Together = null },
        _ => throw new ArgumentOutOfRangeException(nameof(happened), happened, "unknown event"),
    };
}
