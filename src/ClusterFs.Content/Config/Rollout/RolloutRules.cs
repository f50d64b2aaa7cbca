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
    string Node, ImmutableArray<string> Order, string? Source, string? Seen, string? Active, string? Failed, IReadOnlySet<string> Away, bool IsAsked)
{
    /// <summary>By which roll-out the active version came: the number of its first slot; 0 while there is none.</summary>
    public long Used { get; init; }

    /// <summary>The source has not yet stayed as it is for long enough to be known.</summary>
    public bool IsSettling { get; init; }

    /// <summary>The source has been another version than the newest roll-out's for longer than any cache shows old times.</summary>
    public bool HasDiffered { get; init; }

    /// <summary>Nobody has said anything for longer than a node can be at it, by this node's own clock.</summary>
    public bool IsStill { get; init; }
}

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
        var begins = IsNews(rollout, view) || view is { IsAsked: true, Source: not null };
        if (rollout is { IsOpen: true, Running: { } running })
        {
            if (running == view.Node)
            {
                // After a crash there may be another one by now, and this one may be what it died of.
                return begins ? new RolloutStep.Begin(view.Source!)
                    : view.IsSettling ? new RolloutStep.Wait("what lies on shared storage is just changing, or nobody has looked for long enough yet")
                    : new RolloutStep.Use(rollout.Version);
            }

            if (!IsAway(view, running) && !(view is { IsStill: true, IsAsked: true }))
            {
                return new RolloutStep.Wait(view.IsStill
                    ? $"{running} is at it, and has said nothing for longer than it can take; `clusterfs config apply` goes on without waiting for it"
                    : $"{running} is at it");
            }

            // A node that died with this version may have died of it: nobody else takes it, until somebody asks or there is another one.
            return begins
                ? new RolloutStep.Begin(view.Source!)
                : new RolloutStep.Wait($"{running} has begun and is away; when it is back, it goes on; `clusterfs config apply` goes on without it");
        }

        if (begins)
        {
            return new RolloutStep.Begin(view.Source!);
        }

        if (rollout?.Next is { } next)
        {
            if (next == view.Node)
            {
                // A version that was withdrawn before this node had looked is not wanted any more.
                return view.IsSettling || (view.Source is { } source && source != rollout.Version)
                    ? new RolloutStep.Wait("its turn has come, and what lies on shared storage is another version by now, or is just changing")
                    : new RolloutStep.Start();
            }

            return IsAway(view, next) && CanPassOver(rollout, next)
                ? new RolloutStep.PassOver(next)
                : new RolloutStep.Wait($"it is the turn of {next}{(IsAway(view, next) ? ", which is away" : "")}");
        }

        return state?.Good is { } good && view.Active != good && view.Failed != good && HasOlder(state, view)
            ? new RolloutStep.CatchUp(good)
            : new RolloutStep.Wait(null);
    }

    public static RolloutProgress Begin(string version, ImmutableArray<string> order) =>
        new(version, order, ImmutableSortedDictionary.Create<string, NodeOutcome>(StringComparer.Ordinal), null, null, 0);

    public static RolloutProgress Start(RolloutProgress rollout, string node) => rollout with { Running = node };

    /// <summary>How it ended on the node that had begun.</summary>
    /// <param name="problem">Why it failed there; null when it did not.</param>
    public static RolloutProgress End(RolloutProgress rollout, string node, string? problem) => problem is null
        ? rollout with { Running = null, Done = rollout.Done.SetItem(node, NodeOutcome.Passed) }
        : rollout with { Running = null, Failure = new RolloutFailure(node, problem) };

    public static RolloutProgress PassOver(RolloutProgress rollout, string node) => rollout with { Done = rollout.Done.SetItem(node, NodeOutcome.PassedOver) };

    /// <summary>The state that follows one.</summary>
    /// <param name="state">Null for the first.</param>
    public static RolloutState Follow(RolloutState? state, RolloutProgress rollout, string node, string nonce, DateTimeOffset at)
    {
        var number = (state?.Number ?? 0) + 1;
        var its = rollout.Began == 0 ? rollout with { Began = number } : rollout;
        var (good, began) = its.IsFinished ? (its.Version, its.Began) : (state?.Good, state?.GoodBegan ?? 0);
        return new RolloutState(number, nonce, node, at, good, began, its);
    }

    /// <summary>One that is not in the configuration any more never comes back.</summary>
    private static bool IsAway(RolloutView view, string node) => view.Away.Contains(node) || !view.Order.Contains(node);

    /// <summary>Of the last node that is left, when none has passed, nothing would be proven.</summary>
    private static bool CanPassOver(RolloutProgress rollout, string node) =>
        rollout.Order.Any(other => other != node && (!rollout.Done.TryGetValue(other, out var outcome) || outcome == NodeOutcome.Passed));

    /// <summary>
    /// Only whoever saw it change says so: one that looks at old times, through a cache, must not bring them back. What no cache can be is how it is,
    /// whoever saw it change or did not.
    /// </summary>
    private static bool IsNews(RolloutProgress? rollout, RolloutView view) =>
        view.Source is { } source && (rollout is null || (source != rollout.Version && (view.HasDiffered || source != (view.Seen ?? rollout.Version))));

    /// <summary>
    /// Whether what this node uses came before the last good version. A node that has passed a later one stays with that, also when the roll-out was
    /// stopped elsewhere, and whatever becomes of those after it: else all that had passed would go back at once. Numbers from another log say nothing.
    /// </summary>
    private static bool HasOlder(RolloutState state, RolloutView view) => view.Used < state.GoodBegan || view.Used > state.Number;
}
