using System.Collections.Immutable;

namespace ClusterFs.Content.Config.Rollout;

/// <summary>What a node sees when it decides.</summary>
/// <param name="Order">The nodes of the service, in turn.</param>
/// <param name="Source">The version that lies on shared storage and has stayed as it is; null when there is none to use.</param>
/// <param name="Seen">The version that this node saw there before; null when it never saw one.</param>
/// <param name="Active">The version in use on this node.</param>
/// <param name="Failed">The last version that this node refused.</param>
/// <param name="Away">The nodes that have been away for so long that nobody waits for them.</param>
/// <param name="IsAsked">Somebody wants a roll-out, whether or not anything is new.</param>
internal sealed record RolloutView(
    string Node, ImmutableArray<string> Order, string? Source, string? Seen, string? Active, string? Failed, IReadOnlySet<string> Away, bool IsAsked);

/// <summary>What a node does next.</summary>
internal abstract record RolloutStep
{
    private RolloutStep()
    {
    }

    /// <summary>Say that a version is to go from node to node.</summary>
    internal sealed record Begin(string Version) : RolloutStep;

    /// <summary>Say that this node begins with it.</summary>
    internal sealed record Start : RolloutStep;

    /// <summary>Use it, and say how that ended.</summary>
    internal sealed record Use(string Version) : RolloutStep;

    /// <summary>Use a version that has passed while this node was away.</summary>
    internal sealed record CatchUp(string Version) : RolloutStep;

    /// <summary>Say that nobody waits for a node.</summary>
    internal sealed record PassOver(string Node) : RolloutStep;

    /// <summary>There is nothing to do now.</summary>
    /// <param name="For">What is waited for, in words; null for nothing.</param>
    internal sealed record Wait(string? For) : RolloutStep;
}

/// <summary>
/// How a version goes from node to node. Pure. No node coordinates: each decides by the newest state whether it is its turn, and says so in the
/// next slot of the log, which only one of them gets. Whoever dies at any step leaves a state from which the others, or it itself, go on.
/// </summary>
internal static class RolloutRules
{
    public static RolloutStep Decide(RolloutState? state, RolloutView view)
    {
        var rollout = state?.Rollout;
        if (rollout is { IsOpen: true, Running: { } running })
        {
            if (running == view.Node)
            {
                return new RolloutStep.Use(rollout.Version);
            }

            if (!view.Away.Contains(running))
            {
                return new RolloutStep.Wait($"{running} is at it");
            }

            // A node that died with this version may have died of it: nobody else takes it, until somebody asks or there is another one.
            return IsNews(rollout, view) || view is { IsAsked: true, Source: not null }
                ? new RolloutStep.Begin(view.Source!)
                : new RolloutStep.Wait($"{running} has begun and is away; when it is back, it goes on; `clusterfs config apply` goes on without it");
        }

        if (IsNews(rollout, view) || view is { IsAsked: true, Source: not null })
        {
            return new RolloutStep.Begin(view.Source!);
        }

        if (rollout?.Next is { } next)
        {
            return next == view.Node ? new RolloutStep.Start()
                : view.Away.Contains(next) && CanPassOver(rollout, next) ? new RolloutStep.PassOver(next)
                : new RolloutStep.Wait($"it is the turn of {next}{(view.Away.Contains(next) ? ", which is away" : "")}");
        }

        return state?.Good is { } good && view.Active != good && view.Failed != good && !HasPassed(rollout, view)
            ? new RolloutStep.CatchUp(good)
            : new RolloutStep.Wait(null);
    }

    public static RolloutProgress Begin(string version, ImmutableArray<string> order) =>
        new(version, order, ImmutableSortedDictionary.Create<string, NodeOutcome>(StringComparer.Ordinal), null, null);

    public static RolloutProgress Start(RolloutProgress rollout, string node) => rollout with { Running = node };

    /// <summary>How it ended on the node that had begun.</summary>
    /// <param name="problem">Why it failed there; null when it did not.</param>
    public static RolloutProgress End(RolloutProgress rollout, string node, string? problem) => problem is null
        ? rollout with { Running = null, Done = rollout.Done.SetItem(node, NodeOutcome.Passed) }
        : rollout with { Running = null, Failure = new RolloutFailure(node, problem) };

    public static RolloutProgress PassOver(RolloutProgress rollout, string node) => rollout with { Done = rollout.Done.SetItem(node, NodeOutcome.PassedOver) };

    /// <summary>The state that follows one.</summary>
    /// <param name="state">Null for the first.</param>
    public static RolloutState Follow(RolloutState? state, RolloutProgress rollout, string node, string nonce, DateTimeOffset at) =>
        new((state?.Number ?? 0) + 1, nonce, node, at, rollout.IsFinished ? rollout.Version : state?.Good, rollout);

    /// <summary>Of the last node that is left, when none has passed, nothing would be proven.</summary>
    private static bool CanPassOver(RolloutProgress rollout, string node) =>
        rollout.Order.Any(other => other != node && (!rollout.Done.TryGetValue(other, out var outcome) || outcome == NodeOutcome.Passed));

    /// <summary>Only whoever saw it change says so: one that looks at old times, through a cache, must not bring them back.</summary>
    private static bool IsNews(RolloutProgress? rollout, RolloutView view) =>
        view.Source is { } source && source != rollout?.Version && source != (view.Seen ?? rollout?.Version);

    private static bool HasPassed(RolloutProgress? rollout, RolloutView view) =>
        rollout?.Done.TryGetValue(view.Node, out var outcome) == true && outcome == NodeOutcome.Passed && view.Active == rollout.Version;
}
