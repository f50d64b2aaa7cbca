namespace ClusterFs.Simulation;

/// <summary>Deliberate bugs, each in the simulated world alone: in a machine's inputs, states or effects, or in what its shell has to do.</summary>
public enum Bug
{
    FloorNotPersisted,
    FloorNotChecked,
    FloorNotRaised,
    ZeroAmnesia,
    StartReadBeforeLock,
    ValidityFromAck,
    GrantGivesValidity,
    FenceDoesNotWait,
    WaitsTheShortest,
    FencesAMinority,
    FenceClearsPromise,
    RemainingBeforeRise,
    ToldBeforePersisted,
    NoUniqueConstraint,
    NewestRowsDeleted,
    JournalTailLost,
    AcksWithoutIncarnation,
    OneVoterTwice,
    UnguardedStart,
    ReleaseBeforeStop,
    ReleaseWithoutEpoch,
    AdoptionAfterRelease,
    GrantConsumedTwice,
    PowerFenceFirst,
    EmptyVoterAcks,
    LearnsFromOthers,
    TtlMismatch,
    WallClockSqlVoter,
    MarginTooSmall,
    OldProbeAnswers,
    StaleListingClaim,
    NextClaimLine,
    PrunedNames,
    GuardPaused,
    MachineClockStopped,
    VoterSetUngoverned,
    NextNumber,
    FenceRightAfterGrant,
    LapsedLeaseRevived,
    NoReleases,
    FenceIgnoresPromise,
    RenewIgnoresPromise,
    ProbesExpiryAtOnce,
    FailedFenceEndsWait,
    AdoptionPassesForOwn,
    AdoptionEndsNothing,
    MoveForgetsLastDump,
    AnyReleaseEndsAmnesia,
}

/// <summary>A set of deliberate bugs.</summary>
public readonly record struct Bugs(ulong Bits)
{
    public static Bugs None => default;

    public static Bugs Of(params ReadOnlySpan<Bug> bugs)
    {
        var bits = 0UL;
        foreach (var bug in bugs)
        {
            bits |= 1UL << (int)bug;
        }

        return new Bugs(bits);
    }

    public override string ToString()
    {
        var bits = Bits;
        return string.Join(" and ", Enum.GetValues<Bug>().Where(bug => (bits & (1UL << (int)bug)) != 0));
    }

    public bool Has(Bug bug) => (Bits & (1UL << (int)bug)) != 0;
}
