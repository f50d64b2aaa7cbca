using System.Globalization;
using ClusterFs.Lease.Ownership;
using ClusterFs.Ownership.Messages;

namespace ClusterFs.Ownership;

/// <summary>Why a service is where it is, and where each node stands: what the machine decides by, in words. Pure.</summary>
internal static class OwnershipExplanation
{
    /// <param name="failback">How it stands with its preferred node; null where it does not go back.</param>
    /// <param name="company">How it stands with what it is kept together with; null where that is as it should be.</param>
    public static OwnershipExplained Draw(OwnershipState state, FailbackStanding? failback, CompanyStanding? company, Lease.Instant now)
    {
        var next = OwnershipMachine.WouldGrant(state, now);
        var nodes = state.Settings.Nodes.Select(node => StandingOf(state, node, next, now));
        return new OwnershipExplained(state.Settings.Service, [.. Why(state, next, now), .. CompanyWords.Explain(state, company, now), .. FailbackWords.Explain(state, failback, now)], [.. nodes]);
    }

    private static IEnumerable<string> Why(OwnershipState state, string? next, Lease.Instant now)
    {
        var record = state.Record;
        var isEnding = OwnershipMachine.IsEnding(state, now);
        var runs = OwnershipMachine.OwnerRuns(state, now);
        if (record.OpenGrant is { } grant)
        {
            yield return Text($"{grant.Node} owns it: epoch {record.Tenure} was granted to it because {Because(grant.Cause)}.");
            yield return state.Expired ? "A majority of voters has said since that its lease ran out: it is being fenced, and another node is granted it when no promise to it runs any more."
                : isEnding ? "It is being fenced: another node is granted it when no promise to it runs any more."
                : runs ? "It said lately that the service runs, so there is nothing to decide."
                : OwnershipMachine.IsHeard(state, grant.Node, now) ? "Its daemon is heard of, and the service does not run there at this moment."
                : "Its daemon is not heard of. That alone ends nothing: only when a majority of voters has said that its lease ran out, another node may be granted it.";
        }
        else
        {
            yield return record.Grant is { } last ? Text($"No node owns it: {last.Node} released epoch {last.Epoch}.") : "No node has owned it yet.";
        }

        // In the very words of `status`, except for what is said below.
        var candidates = state.Settings.Nodes.Where(node => OwnershipMachine.IsCandidate(state, node, now)).ToArray();
        if (OwnershipPicture.Stage(state, candidates, now) is (not OwnershipStage.Paused and var stage, { } reason))
        {
            yield return $"It is {stage.ToString().ToLowerInvariant()}: {reason}.";
        }

        if (ElectorateWords.Tell(state) is { } electorate)
        {
            yield return $"It {electorate}.";
        }

        if (Asked(state) is { } asked)
        {
            yield return asked;
        }

        if (OwnershipMachine.HeldBack(state) is { } heldBack)
        {
            yield return heldBack == HoldBack.Waits ? $"It {CompanyWords.Waits(state)}: until then nothing is granted by itself."
                : heldBack == HoldBack.Paused ? "It is paused: nothing is granted by itself until `clusterfs resume`."
                : runs ? "It runs, but it never stayed up before: if it ends, nothing is granted by itself until it has stayed up, or until `clusterfs resume`."
                : "It never stayed up and is left alone: nothing is granted by itself until `clusterfs resume`.";
        }
        else if (OwnershipMachine.IsLeftAloneNext(state))
        {
            yield return Text($"It was started {record.Flaps} times and has not stayed up yet: if it ends now, it is left alone until `clusterfs resume`.");
        }

        if (record.Move is { } move)
        {
            yield return $"It is being moved to {move.To}.";
        }

        yield return (next, record.OpenGrant is not null && !isEnding) switch
        {
            (null, false) => "No node would be granted it now.",
            (null, true) => "No other node would be granted it if the owner were lost now.",
            ({ } node, false) => $"{node} is next.",
            ({ } node, true) => $"If the owner were lost now, {node} would be next.",
        };
    }

    /// <summary>Whom it waits for: a majority of these has to answer before anything is granted.</summary>
    private static string? Asked(OwnershipState state) => state switch
    {
        { Record.OpenFencing: { } fencing, Fencing: { } fence } when fence.Epoch == fencing.Epoch =>
            $"Of the voters {string.Join(", ", state.Electorate)}, {Names(fence.Raised.Keys)} said what older promises run; a majority is needed for epoch {fencing.Epoch.ToString(CultureInfo.InvariantCulture)}.",
        { Record.OpenGrant: not null, Probing: { } round } =>
            $"Of the voters {string.Join(", ", state.Electorate)}, {Names(round.Answers.Keys)} answered the newest question how long their promises run.",
        _ => null,
    };

    private static string Names(IEnumerable<string> voters) => string.Join(", ", voters) is { Length: > 0 } names ? names : "none";

    private static NodeStanding StandingOf(OwnershipState state, string node, string? next, Lease.Instant now)
    {
        if (state.Record.OpenGrant?.Node == node)
        {
            return new NodeStanding(node, "owner", OwnershipMachine.IsEnding(state, now)
                ? Text($"owned it under epoch {state.Record.Grant!.Epoch}, which is being ended")
                : Text($"owns it under epoch {state.Record.Grant!.Epoch}"));
        }

        if (OwnershipMachine.ObstacleOf(state, node, now) is { } obstacle)
        {
            return new NodeStanding(node, "cannot", Words(state, node, obstacle, now));
        }

        var place = state.Settings.Nodes.IndexOf(node) + 1;
        return next is null ? new NodeStanding(node, "candidate", "waits for the service, and nothing is granted by itself now")
            : node == next ? new NodeStanding(node, "next", state.Record.Move?.To == node
                ? "the service is being moved to it"
                : node == state.Placement.Beside ? "waits for the service, and what it is kept together with is there"
                : Text($"waits for the service, and is the first that can have it, in the order of services.{Listed(state)}.nodes"))
            : new NodeStanding(node, "candidate", state.Record.Move?.To == next
                ? $"waits for the service; {next} comes first, because it is being moved there"
                : state.Placement.Beside == next ? $"waits for the service; {next} comes first, because what it is kept together with is there"
                : Text($"waits for the service; {next} comes first, because services.{Listed(state)}.nodes has {node} in place {place}"));
    }

    /// <summary>Whose order of nodes it goes by.</summary>
    private static string Listed(OwnershipState state) => state.Settings.Company.Together is [var leader, ..] ? leader : state.Settings.Service;

    internal static string Words(OwnershipState state, string node, CandidateObstacle obstacle, Lease.Instant now) => obstacle switch
    {
        CandidateObstacle.Silent => state.Reports.TryGetValue(node, out var heard)
            ? Text($"its daemon was heard of {now.LongestSince(heard.At).TotalSeconds:0} s ago, and what it said counts no longer")
            : "its daemon was not heard of since this node began to decide",
        CandidateObstacle.NotWanted =>
            "nothing waits for the service there: neither `clusterfs run` nor `hold` is attached to its guard, or the node is drained or being stopped, or it stands back because it could not put the content in place",
        CandidateObstacle.NotClosed => Text($"an older epoch is not over there: {state.Reports[node].Report.Reason ?? Text($"epoch {state.Reports[node].Report.Epoch}")}"),
        _ => throw new ArgumentOutOfRangeException(nameof(obstacle), obstacle, "unknown obstacle"),
    };

    private static string Because(GrantCause cause) => cause switch
    {
        GrantCause.Start => "the service had no owner",
        GrantCause.Failover => "the lease of the owner before had run out",
        GrantCause.Move => "somebody moved it there",
        _ => throw new ArgumentOutOfRangeException(nameof(cause), cause, "unknown cause"),
    };

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
