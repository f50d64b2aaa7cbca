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

    /// <summary>A move to one node is not tried again before: the service may not have stayed up there.</summary>
    public static TimeSpan TryAgainAfter { get; } = TimeSpan.FromMinutes(10);

    /// <param name="heard">Of the others, those that were heard of lately.</param>
    /// <param name="sinceRecovery">Of this incarnation.</param>
    public static Placement Place(OwnershipSettings settings, IReadOnlyDictionary<string, Neighbour> heard, TimeSpan sinceRecovery)
    {
        var others = settings.Company.Together.Where(other => other != settings.Service).ToImmutableArray();
        var unheard = sinceRecovery < HearingTakes ? others.Where(other => !heard.ContainsKey(other)) : [];
        var missing = settings.Company.DependsOn.Where(other => heard.GetValueOrDefault(other) is not { Runs: true });
        return new Placement(
            others.Select(other => heard.GetValueOrDefault(other)?.Owner).FirstOrDefault(owner => owner is not null),
            [.. missing.Union(unheard, StringComparer.Ordinal)]);
    }

    /// <summary>Whether the service is to be moved to those that it is kept together with, or to wait for them.</summary>
    public static (CompanyWatch Watch, CompanyStanding? Standing) Look(
        OwnershipState state, CompanyWatch watch, IReadOnlyDictionary<string, Neighbour> heard, Instant now)
    {
        var together = state.Settings.Company.Together;
        if (together.IsEmpty || state.Record.OpenGrant is not { } grant || !OwnershipMachine.OwnerRuns(state, now) || Apart(state, grant.Node, heard, now) is not { } other)
        {
            return (watch with { ApartSince = null }, null);
        }

        watch = watch with { ApartSince = watch.ApartSince ?? now };
        var target = other.Owner!;
        if (Hindrance(state, target, now) is { } hindrance)
        {
            return (watch, new CompanyStanding(other.Service, target, hindrance));
        }

        var calm = state.Settings.Service == together[0] ? LeadAfter : FollowAfter;
        return now.ShortestSince(watch.ApartSince!.Value) < calm ? (watch, new CompanyStanding(other.Service, target, CompanyHindrance.NotLongEnough))
            : watch.Tried is { } tried && tried.Node == target && now.ShortestSince(tried.At) < TryAgainAfter ? (watch, new CompanyStanding(other.Service, target, CompanyHindrance.TriedLately))
            : (watch with { Tried = new TriedTogether(target, now) }, new CompanyStanding(other.Service, target, null));
    }

    /// <summary>Whether all that it is kept together with could be on a node as well.</summary>
    public static bool CanAllBeOn(OwnershipSettings settings, IReadOnlyDictionary<string, Neighbour> heard, string node) =>
        settings.Company.Together.Where(other => other != settings.Service)
            .All(other => heard.GetValueOrDefault(other) is { } known && (known.Owner == node || known.Owner is null || known.Candidates.Contains(node)));

    /// <summary>The other that it would go to: a follower to its leader; the leader to one that waits for nothing where the leader is.</summary>
    private static Neighbour? Apart(OwnershipState state, string node, IReadOnlyDictionary<string, Neighbour> heard, Instant now)
    {
        var (service, together) = (state.Settings.Service, state.Settings.Company.Together);
        return together[0] != service
            ? heard.GetValueOrDefault(together[0]) is { Runs: true, Owner: { } at } leader && at != node ? leader : null
            : together.Skip(1).Select(heard.GetValueOrDefault).FirstOrDefault(
                other => other is { Runs: true, Owner: { } at } && at != node && !other.Candidates.Contains(node) && OwnershipMachine.IsCandidate(state, at, now));
    }

    private static CompanyHindrance? Hindrance(OwnershipState state, string target, Instant now) => OwnershipMachine.HeldBack(state) switch
    {
        HoldBack.Paused => CompanyHindrance.Paused,
        HoldBack.LeftAlone => CompanyHindrance.LeftAlone,
        _ => state is { Pending: not null } or { Asking: not null } or { Record.Move: not null } or { Record.OpenFencing: not null } ? CompanyHindrance.Busy
            : !OwnershipMachine.IsCandidate(state, target, now) ? CompanyHindrance.NodeUnfit
            : null,
    };
}

/// <summary>What one incarnation measures; the next measures again.</summary>
/// <param name="ApartSince">At every look since they were apart; null when they were not at the last.</param>
/// <param name="Tried">The newest move to be together that was asked for; null when there was none.</param>
public sealed record CompanyWatch(Instant? ApartSince, TriedTogether? Tried)
{
    public static CompanyWatch Begin { get; } = new(null, null);
}

/// <summary>A service that does not stay up beside the other would be moved there again and again, and lose what it wrote each time.</summary>
public sealed record TriedTogether(string Node, Instant At);

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

    NotLongEnough,

    TriedLately,
}
