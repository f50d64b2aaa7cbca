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
    public static DrainStep Look(AgentState state, OwnershipView? view, string? leaderOn, DrainAsked? asked, Instant now)
    {
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

        if (view.Candidates.OrderByDescending(node => node == leaderOn).FirstOrDefault(node => node != state.Settings.Node) is not { } next)
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

    public static DrainStep Busy(string doing) => new(null, doing, false);

    public static DrainStep Stuck(string why) => new(null, why, true);
}
