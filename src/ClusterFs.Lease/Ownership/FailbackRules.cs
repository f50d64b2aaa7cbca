namespace ClusterFs.Lease.Ownership;

/// <summary>
/// Whether a service is to go back to the first of its nodes now: a pure function of what its ownership knows. It only ever asks for a move, which
/// is refused or abandoned like any other, so that nothing here can be worth more than a move at a bad moment.
/// </summary>
public static class FailbackRules
{
    /// <param name="hasCopy">The preferred node has a copy of about the newest dump, or needs none.</param>
    /// <param name="hasCompany">All that it is kept together with could be there as well.</param>
    /// <param name="local">The time of day where this is decided: for a window, which is a wish of people and no lease.</param>
    public static (FailbackWatch Watch, FailbackStanding? Standing) Look(
        OwnershipState state, FailbackWatch watch, bool hasCopy, bool hasCompany, Instant now, TimeOnly local)
    {
        var policy = state.Settings.Failback;
        var preferred = state.Settings.Nodes[0];
        watch = Note(state, watch, now);
        if (policy.Mode == FailbackMode.Never || state.Record.OpenGrant is not { } grant || grant.Node == preferred)
        {
            return (watch, null);
        }

        if (Hindrance(state, preferred, hasCopy, hasCompany, now) is { } hindrance)
        {
            return (watch, new FailbackStanding(preferred, hindrance));
        }

        if (policy.Mode == FailbackMode.Manual)
        {
            return (watch, new FailbackStanding(preferred, FailbackHindrance.NotAsked));
        }

        var fit = Left(watch.FitSince, policy.FitFor, now);
        var again = Left(watch.TriedAt, FailbackPolicy.TryAgainAfter, now);
        var opens = policy.Opens(local);
        return opens > fit && opens > again ? (watch, new FailbackStanding(preferred, FailbackHindrance.OutOfWindow) { In = opens })
            : again > fit ? (watch, new FailbackStanding(preferred, FailbackHindrance.TriedLately) { In = again })
            : fit > TimeSpan.Zero ? (watch, new FailbackStanding(preferred, FailbackHindrance.NotLongEnough) { In = fit })
            : (watch with { TriedAt = now }, new FailbackStanding(preferred, null) { In = TimeSpan.Zero });
    }

    private static FailbackWatch Note(OwnershipState state, FailbackWatch watch, Instant now)
    {
        var isFit = OwnershipMachine.IsCandidate(state, state.Settings.Nodes[0], now);

        // Whoever recovers does not know when it was tried, only that it was.
        var tried = state.Record.Failback switch
        {
            { Outcome: UnaskedMoveOutcome.GivenUp or UnaskedMoveOutcome.DidNotLast } => watch.TriedAt ?? now,
            { Outcome: UnaskedMoveOutcome.UnderWay } => watch.TriedAt,
            _ => (Instant?)null,
        };
        return new FailbackWatch(isFit ? watch.FitSince ?? now : null, tried);
    }

    private static FailbackHindrance? Hindrance(OwnershipState state, string preferred, bool hasCopy, bool hasCompany, Instant now) =>
        OwnershipMachine.HeldBack(state) switch
        {
            HoldBack.Paused => FailbackHindrance.Paused,
            HoldBack.LeftAlone => FailbackHindrance.LeftAlone,
            HoldBack.Waits => FailbackHindrance.NotRunning,
            _ => state is { Pending: not null } or { Asking: not null } or { Record.Move: not null } or { Record.OpenFencing: not null }
                || !OwnershipMachine.OwnerRuns(state, now) ? FailbackHindrance.NotRunning
                : state.Record.Failback?.Outcome == UnaskedMoveOutcome.DidNotLast && state.Settings.Damping is not null ? FailbackHindrance.DidNotLast
                : !OwnershipMachine.IsCandidate(state, preferred, now) ? FailbackHindrance.NodeUnfit
                : !hasCopy ? FailbackHindrance.NoCopy
                : !hasCompany ? FailbackHindrance.NoCompany
                : null,
        };

    private static TimeSpan Left(Instant? since, TimeSpan wanted, Instant now) =>
        since is { } moment && wanted - now.ShortestSince(moment) is { } left && left > TimeSpan.Zero ? left : TimeSpan.Zero;
}

/// <summary>What one incarnation measures; the next measures again.</summary>
/// <param name="FitSince">The preferred node could have had the service at every look since; null when it could not at the last.</param>
/// <param name="TriedAt">The newest move back that did not come off was asked for, or found in the journal; null when there is none.</param>
public sealed record FailbackWatch(Instant? FitSince, Instant? TriedAt)
{
    public static FailbackWatch Begin { get; } = new(null, null);
}

/// <summary>How a service that is not on its preferred node stands with it.</summary>
/// <param name="To">The preferred node.</param>
/// <param name="Hindrance">Why it does not go back now; null when it does.</param>
public sealed record FailbackStanding(string To, FailbackHindrance? Hindrance)
{
    /// <summary>When time alone is missing: how much of it.</summary>
    public TimeSpan? In { get; init; }
}

public enum FailbackHindrance
{
    /// <summary>It could, and somebody has to ask for it.</summary>
    NotAsked,

    /// <summary>It does not run where it is, or is about to change hands.</summary>
    NotRunning,

    Paused,

    LeftAlone,

    /// <summary>It went back before, and did not stay up there.</summary>
    DidNotLast,

    /// <summary>The preferred node could not be granted it.</summary>
    NodeUnfit,

    NoCopy,

    /// <summary>What it is kept together with could not be there.</summary>
    NoCompany,

    /// <summary>The preferred node has not been fit for long enough.</summary>
    NotLongEnough,

    TriedLately,

    OutOfWindow,
}
