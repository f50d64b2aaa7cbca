using ClusterFs.Lease;
using ClusterFs.Lease.Holder;
using ClusterFs.Node.Agents;
using ClusterFs.Ownership.Messages;

namespace ClusterFs.Node.Draining;

/// <summary>What becomes of one service on a node that is drained: pure. It is moved as by `clusterfs move`, so nothing is lost, and nothing but that stops it.</summary>
internal static class DrainRules
{
    /// <summary>A move that was refused or given up is asked for again after this long.</summary>
    public static TimeSpan AskAgainAfter { get; } = TimeSpan.FromSeconds(10);

    /// <param name="view">What the ownership actor said last.</param>
    /// <param name="leaderOn">The node that owns the service which this one is kept together with; null where there is none.</param>
    /// <param name="asked">When this node asked for a move last, and what came of it.</param>
    /// <param name="followers">What is known of the services that are to come after it.</param>
    public static DrainStep Look(
        AgentState state, OwnershipView? view, string? leaderOn, IReadOnlyCollection<OwnershipView> followers, DrainAsked? asked, Instant now)
    {
        // What it holds is not known, and the service may well run.
        if (state.Guard is null)
        {
            return DrainStep.Unknown;
        }

        if (state.Guard is not { OpenTenure: not null } guard)
        {
            return DrainStep.Gone;
        }

        if (guard.Phase is not LeasePhase.Running)
        {
            return DrainStep.Busy(guard.Phase is LeasePhase.Acquiring or LeasePhase.Held ? "about to start here" : "ends here");
        }

        if (view is null || view.Owner != state.Settings.Node)
        {
            return DrainStep.Busy("waits for its ownership actor");
        }

        if (view.MovingTo is { } target)
        {
            return DrainStep.Busy($"moves to {target}");
        }

        if (leaderOn == state.Settings.Node)
        {
            return DrainStep.Stuck($"waits for {state.Settings.Leader}, which goes first");
        }

        // Where all could be rather than where only this one could: it would be fetched from there again.
        if (view.Candidates.OrderByDescending(node => node == leaderOn)
            .ThenByDescending(node => followers.All(other => other.Owner is null || other.Owner == node || other.Candidates.Contains(node)))
            .FirstOrDefault(node => node != state.Settings.Node) is not { } next)
        {
            return DrainStep.Stuck("no other node waits for it: it runs on here, and is not started here again");
        }

        return asked is not null && now.ShortestSince(asked.At) < AskAgainAfter
            ? asked.Refusal is { } refusal ? DrainStep.Stuck($"is not moved to {asked.To}: {refusal}") : DrainStep.Busy($"is to move to {asked.To}")
            : new DrainStep(next, $"is to move to {next}", false);
    }
}

/// <param name="Refusal">Why the ownership actor would not; null when it did not refuse.</param>
internal sealed record DrainAsked(Instant At, string To, string? Refusal);

/// <param name="MoveTo">The node that a move is to be asked for to; null for none.</param>
/// <param name="Doing">How far it is; null when the node has nothing of it.</param>
/// <param name="IsStuck">It does not go away now.</param>
internal sealed record DrainStep(string? MoveTo, string? Doing, bool IsStuck)
{
    public static DrainStep Gone { get; } = new(null, null, false);

    /// <summary>Nothing was heard from the guard, or not yet.</summary>
    public static DrainStep Unknown { get; } = Busy("its guard does not answer, so that it may run here");

    public static DrainStep Busy(string doing) => new(null, doing, false);

    public static DrainStep Stuck(string why) => new(null, why, true);
}
