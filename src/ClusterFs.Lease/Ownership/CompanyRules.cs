using System.Collections.Immutable;

namespace ClusterFs.Lease.Ownership;

/// <summary>
/// Keeps services together, and starts one after those that it depends on: pure functions of what the ownership of one service knows of itself and of the
/// others. They choose who is next and ask for moves; no lease hangs on them, and two that decide on old news cost a move more.
/// </summary>
public static class CompanyRules
{
    /// <summary>The others of a group are waited for so long after a recovery, so that one of them is not put elsewhere for want of news.</summary>
    public static TimeSpan HearingTakes { get; } = TimeSpan.FromSeconds(5);

    /// <summary>For so long one that is away from its leader stays there: the leader may only be on its way.</summary>
    public static TimeSpan FollowAfter { get; } = TimeSpan.FromSeconds(5);

    /// <summary>The leader goes only where one cannot come to it: that one comes first.</summary>
    public static TimeSpan LeadAfter { get; } = TimeSpan.FromSeconds(15);

    /// <summary>
    /// After a move to be together there is no other for so long, to whatever node and whoever decides: a group whose nodes suit its services differently, or
    /// change, would go to and fro. One that did not last is the last until somebody moves or resumes the service.
    /// </summary>
    public static TimeSpan TryAgainAfter { get; } = TimeSpan.FromMinutes(10);

    /// <param name="heard">Of the others, those that were heard of lately.</param>
    /// <param name="sinceRecovery">Of this incarnation.</param>
    public static Placement Place(OwnershipState state, IReadOnlyDictionary<string, Neighbour> heard, TimeSpan sinceRecovery)
    {
        var settings = state.Settings;
        var others = settings.Company.Together.Where(other => other != settings.Service).ToImmutableArray();
        var unheard = sinceRecovery < HearingTakes ? others.Where(other => !heard.ContainsKey(other)) : [];
        var lost = state.Record.Grant?.Node;

        // What was on the node that this one was lost with, and is not heard of, went with it: its own ownership may only find out later.
        var missing = settings.Company.DependsOn.Where(other => heard.GetValueOrDefault(other) is not { Runs: true } known || (known.IsSilent && known.Owner == lost));
        return new Placement(
            others.Select(heard.GetValueOrDefault).Where(other => other?.Owner is not null).OrderByDescending(other => other!.Runs).FirstOrDefault()?.Owner,
            [.. missing.Union(unheard, StringComparer.Ordinal)]);
    }

    /// <summary>Whether the service is to be moved to those that it is kept together with, or to wait for them.</summary>
    public static (CompanyWatch Watch, CompanyStanding? Standing) Look(
        OwnershipState state, CompanyWatch watch, IReadOnlyDictionary<string, Neighbour> heard, Instant now)
    {
        var together = state.Settings.Company.Together;
        watch = Note(state, watch, now);
        if (together.IsEmpty || state.Record.OpenGrant is not { } grant || !OwnershipMachine.OwnerRuns(state, now) || Apart(state, grant.Node, heard, now) is not { } other)
        {
            return (watch with { ApartSince = null }, null);
        }

        watch = watch with { ApartSince = watch.ApartSince ?? now };
        var target = other.Owner!;
        if (Hindrance(state, target, heard, now) is { } hindrance)
        {
            // Where it could not be, it has not been waited for yet.
            var isUnfit = hindrance is CompanyHindrance.NodeUnfit or CompanyHindrance.OthersUnfit;
            return (isUnfit ? watch with { ApartSince = null } : watch, new CompanyStanding(other.Service, target, hindrance));
        }

        var calm = state.Settings.Service == together[0] ? LeadAfter : FollowAfter;
        return now.ShortestSince(watch.ApartSince!.Value) < calm ? (watch, new CompanyStanding(other.Service, target, CompanyHindrance.NotLongEnough))
            : watch.TriedAt is { } tried && now.ShortestSince(tried) < TryAgainAfter ? (watch, new CompanyStanding(other.Service, target, CompanyHindrance.TriedLately))
            : (watch, new CompanyStanding(other.Service, target, null));
    }

    /// <summary>Whoever recovers does not know when it was tried, only that it was.</summary>
    private static CompanyWatch Note(OwnershipState state, CompanyWatch watch, Instant now) => watch with
    {
        TriedAt = state.Record.Together switch
        {
            null => null,
            { Outcome: UnaskedMoveOutcome.UnderWay } => now,
            _ => watch.TriedAt ?? now,
        },
    };

    /// <summary>Whether all that it is kept together with could be on a node as well.</summary>
    public static bool CanAllBeOn(OwnershipSettings settings, IReadOnlyDictionary<string, Neighbour> heard, string node) =>
        settings.Company.Together.Where(other => other != settings.Service)
            .All(other => heard.GetValueOrDefault(other) is { } known && (known.Owner == node || known.Owner is null || (!known.Stays && known.Candidates.Contains(node))));

    /// <summary>The other that it would go to: a follower to its leader; the leader to one that waits for nothing where the leader is.</summary>
    private static Neighbour? Apart(OwnershipState state, string node, IReadOnlyDictionary<string, Neighbour> heard, Instant now)
    {
        var (service, together) = (state.Settings.Service, state.Settings.Company.Together);
        if (together[0] != service)
        {
            return heard.GetValueOrDefault(together[0]) is { Runs: true, Owner: { } at } leader && at != node ? leader : null;
        }

        var stuck = together.Skip(1).Select(heard.GetValueOrDefault).OfType<Neighbour>()
            .Where(other => other is { Runs: true, Owner: { } at } && at != node && !other.Candidates.Contains(node)).ToList();
        return stuck.FirstOrDefault(other => HindranceAt(state, other.Owner!, heard, now) is null) ?? stuck.FirstOrDefault();
    }

    private static CompanyHindrance? Hindrance(OwnershipState state, string target, IReadOnlyDictionary<string, Neighbour> heard, Instant now) => OwnershipMachine.HeldBack(state) switch
    {
        HoldBack.Paused => CompanyHindrance.Paused,
        HoldBack.LeftAlone => CompanyHindrance.LeftAlone,
        _ => state is { Pending: not null } or { Asking: not null } or { Record.Move: not null } or { Record.OpenFencing: not null } ? CompanyHindrance.Busy
            : state.Record.Together?.Outcome == UnaskedMoveOutcome.DidNotLast && state.Settings.Damping is not null ? CompanyHindrance.DidNotLast
            : HindranceAt(state, target, heard, now),
    };

    /// <summary>A leader goes only where all could be: it would leave one behind to fetch another, and come back for the one.</summary>
    private static CompanyHindrance? HindranceAt(OwnershipState state, string target, IReadOnlyDictionary<string, Neighbour> heard, Instant now) =>
        !OwnershipMachine.IsCandidate(state, target, now) ? CompanyHindrance.NodeUnfit
        : state.Settings.Company.Together[0] == state.Settings.Service && !CanAllBeOn(state.Settings, heard, target) ? CompanyHindrance.OthersUnfit
        : null;
}

/// <summary>What one incarnation measures; the next measures again.</summary>
/// <param name="ApartSince">At every look since they were apart; null when they were not at the last.</param>
/// <param name="TriedAt">The newest move to be together was under way, or found in the journal; null when there is none.</param>
public sealed record CompanyWatch(Instant? ApartSince, Instant? TriedAt)
{
    public static CompanyWatch Begin { get; } = new(null, null);
}

/// <summary>A service that is elsewhere than one that it is kept together with.</summary>
/// <param name="With">The other.</param>
/// <param name="Node">Where that is.</param>
/// <param name="Hindrance">Why it does not go there now; null when it does.</param>
public sealed record CompanyStanding(string With, string Node, CompanyHindrance? Hindrance);

public enum CompanyHindrance
{
    /// <summary>It is about to change hands.</summary>
    Busy,

    Paused,

    LeftAlone,

    /// <summary>That node could not be granted it.</summary>
    NodeUnfit,

    /// <summary>That node could not be granted another of those that are kept together.</summary>
    OthersUnfit,

    NotLongEnough,

    /// <summary>It went to the others before, and did not stay there.</summary>
    DidNotLast,

    TriedLately,
}
