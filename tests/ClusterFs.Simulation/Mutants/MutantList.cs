using System.Collections.Immutable;

namespace ClusterFs.Simulation;

/// <summary>Every deliberate bug that the simulator must catch.</summary>
public static class MutantList
{
    private static readonly ImmutableArray<string> Safety = ["two writers", "two leases", "granted too early", "a fenced epoch lives", "epochs fell"];

    public static ImmutableArray<Mutant> All { get; } =
    [
        Alone("floor not persisted", Bug.FloorNotPersisted, Profile.LateGrants),
        Alone("floor not checked", Bug.FloorNotChecked),
        Alone("floor not raised", Bug.FloorNotRaised, Profile.LateMessages),
        Alone("zero amnesia", Bug.ZeroAmnesia, Profile.Forgetful) with { Watched = Safety },
        Alone("start read before the lock", Bug.StartReadBeforeLock, Profile.Forgetful) with { Watched = Safety },
        Alone("validity from the ack's time", Bug.ValidityFromAck, Profile.LateMessages),
        Alone("Granted gives validity", Bug.GrantGivesValidity),
        Alone("fence does not wait", Bug.FenceDoesNotWait, Profile.OppositeClocks) with { Watched = Safety },
        Alone("waits the shortest", Bug.WaitsTheShortest, Profile.Razor) with { Watched = Safety },
        Alone("fences a minority", Bug.FencesAMinority, Profile.SplitFences) with { Watched = Safety },
        Alone("Fence clears the promise", Bug.FenceClearsPromise, Profile.OppositeClocks) with { Watched = Safety },
        Alone("remaining computed before the rise", Bug.RemainingBeforeRise, Profile.Restarts),
        Alone("told before persisted", Bug.ToldBeforePersisted),
        Alone("no unique constraint", Bug.NoUniqueConstraint),
        Alone("newest rows deleted", Bug.NewestRowsDeleted, Profile.Journal) with { Watched = ["an epoch is granted once", .. Safety] },
        Alone("journal tail lost", Bug.JournalTailLost, Profile.Journal) with
        {
            Instead = Replace((FaultKind.DatabaseSilent, FaultKind.JournalTailLost)),
            Watched = ["an epoch is granted once", .. Safety],
        },
        Together("acks without incarnation", WithoutRule3, Bug.AcksWithoutIncarnation, Bug.GrantConsumedTwice, Bug.NoReleases) with
        {
            Profile = Profile.Reborn,
            Harmless = [Bugs.Of(Bug.GrantConsumedTwice, Bug.NoReleases), Bugs.Of(Bug.AcksWithoutIncarnation)],
        },
        Alone("one voter counted twice", Bug.OneVoterTwice),
        Alone("unguarded start", Bug.UnguardedStart),
        Alone("release before stop", Bug.ReleaseBeforeStop),
        Alone("release without epoch", Bug.ReleaseWithoutEpoch),
        Alone("any release ends what a restart forgot", Bug.AnyReleaseEndsAmnesia, Profile.Forgetful) with { Watched = Safety },
        Alone("adoption after release", Bug.AdoptionAfterRelease, Profile.Operations),
        Alone("Granted consumed twice (with release)", Bug.GrantConsumedTwice, Profile.SecondHearings),
        Alone("power fence first", Bug.PowerFenceFirst, Profile.LateGrants) with { Watched = Safety },
        Alone("a failed power fence ends the wait", Bug.FailedFenceEndsWait, Profile.OppositeClocks) with { Watched = Safety },
        Alone("empty voter acks", Bug.EmptyVoterAcks, Profile.LateGrants) with { Watched = Safety },
        Alone("learns from others", Bug.LearnsFromOthers, Profile.LateGrants) with { Watched = Safety },
        Alone("TTL mismatch", Bug.TtlMismatch, Profile.Configuration),
        Alone("wall-clock SQL voter", Bug.WallClockSqlVoter, Profile.DatabaseVote) with
        {
            Instead = Replace((FaultKind.RatesChanged, FaultKind.WallClockSet)),
            Watched = Safety,
        },
        Alone("margin too small", Bug.MarginTooSmall, Profile.OppositeClocks) with { Watched = Safety },
        Alone("old probe answers", Bug.OldProbeAnswers, Profile.Losses),
        Alone("stale-listing claim", Bug.StaleListingClaim, Profile.Archive),
        Alone("\"next claim\" line", Bug.NextClaimLine),
        Alone("pruned names", Bug.PrunedNames, Profile.Archive) with { Watched = ["a slot was used twice", "the line is broken", "a dump that counts is not in the line"] },
        Alone("adopted content passes for the owner's own", Bug.AdoptionPassesForOwn, Profile.Archive) with { Watched = ["a stale start"] },
        Alone("dumps go on behind an adoption", Bug.AdoptionEndsNothing, Profile.Archive) with { Watched = ["the line is broken"] },
        Alone("a move without a last dump", Bug.MoveForgetsLastDump, Profile.Operations) with { Watched = ["a move lost something"] },
        Alone("guard paused", Bug.GuardPaused),
        Alone("machine clock stopped", Bug.MachineClockStopped, Profile.Razor) with
        {
            Instead = Replace((FaultKind.GuardPaused, FaultKind.MachineStopped)),
        },
        Alone("voter set changed without rule 15", Bug.VoterSetUngoverned),
        Alone("\"next number\" after a refusal", Bug.NextNumber),
        new("fencing again right after a grant", Bugs.Of(Bug.FenceRightAfterGrant, Bug.FenceIgnoresPromise), null,
            "alone it is refused: the new holder's promise is older than the fence (R13); together with a Fence that ignores promises it stops "
            + "owners that are well")
        {
            Watched = ["a healthy owner was interrupted", "nobody runs the service"],
            Harmless = [Bugs.Of(Bug.FenceRightAfterGrant)],
        },
        new("a lapsed lease revived", Bugs.Of(Bug.LapsedLeaseRevived, Bug.ValidityFromAck), Profile.LateMessages,
            "alone its deadline is counted from the start of an acked round, which the voters' promises outlast (R3, R10); together with one counted "
            + "from the ack they do not")
        {
            Watched = Safety,
            Harmless = [Bugs.Of(Bug.LapsedLeaseRevived)],
        },
        new("Granted consumed twice without release", Bugs.Of(Bug.GrantConsumedTwice, Bug.NoReleases), Profile.SecondHearings) { Watched = ["a closed epoch is used again"] },
        new("renewals ignore promises", Bugs.Of(Bug.RenewIgnoresPromise), Profile.SplitFences, "the first half of R1"),
    ];

    private const string WithoutRule3 =
        "alone it is covered by R3: a new process never uses an epoch that an old one used, so no old ack names the epoch of a new round; shown without "
        + "that rule, by two leases at once";

    private static Mutant Alone(string name, Bug bug, Profile? profile = null) => new(name, Bugs.Of(bug), profile);

    private static Mutant Together(string name, string reasoning, params ReadOnlySpan<Bug> bugs) =>
        new(name, Bugs.Of(bugs), null, reasoning) { Watched = Safety };

    private static ImmutableDictionary<FaultKind, FaultKind> Replace(params ReadOnlySpan<(FaultKind Old, FaultKind New)> faults)
    {
        var instead = ImmutableDictionary.CreateBuilder<FaultKind, FaultKind>();
        foreach (var (old, replacement) in faults)
        {
            instead[old] = replacement;
        }

        return instead.ToImmutable();
    }
}
