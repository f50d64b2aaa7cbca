using System.Collections.Immutable;

namespace ClusterFs.Content.Static;

/// <summary>What a node has said of one static content.</summary>
/// <param name="Head">The newest generation that it has seen; 0 for none. The other numbers likewise.</param>
/// <param name="Prepared">What it could switch to at once.</param>
/// <param name="Current">What it serves.</param>
/// <param name="Failed">What it tried to prepare and could not.</param>
/// <param name="Line">The log that the numbers are of; numbers of another say nothing.</param>
public sealed record NodeSighting(string Node, long Head, long Prepared, long Current, long Failed, string Line);

/// <summary>What a node knows when it decides whether to switch.</summary>
/// <param name="Prepared">What it could switch to at once.</param>
/// <param name="Current">What it serves.</param>
/// <param name="Switched">What nodes have switched to, as shared storage has it.</param>
/// <param name="Others">The other nodes that serve the content.</param>
/// <param name="Reachable">Nodes that are up and answer; null while this node is in no cluster.</param>
/// <param name="Sightings">What the others said last.</param>
/// <param name="Waited">Since it was prepared.</param>
/// <param name="Patience">How long it waits for nodes that are not ready.</param>
/// <param name="Line">The log that the numbers are of.</param>
public sealed record SwitchView(
    long Prepared,
    long Current,
    long Switched,
    ImmutableArray<string> Others,
    ImmutableHashSet<string>? Reachable,
    IReadOnlyDictionary<string, NodeSighting> Sightings,
    TimeSpan Waited,
    TimeSpan Patience,
    string Line);

/// <param name="Now">Whether to switch.</param>
/// <param name="Because">Why, or what is waited for; null where there is nothing to switch to.</param>
public sealed record SwitchDecision(bool Now, string? Because);

/// <summary>
/// When a node switches to what it has prepared. Every node decides by itself by what all have told all: the last one that becomes ready is heard of by all
/// at about the same time. A decision that is wrong because a node is cut off serves a whole generation all the same, and a number only ever grows.
/// </summary>
public static class SwitchRules
{
    public static SwitchDecision Decide(SwitchView view)
    {
        if (view.Prepared <= view.Current)
        {
            return new SwitchDecision(Now: false, null);
        }

        if (view.Switched >= view.Prepared)
        {
            return new SwitchDecision(Now: true, "the others have switched");
        }

        if (view.Others.FirstOrDefault(node => Of(view, node)?.Current >= view.Prepared) is { } first)
        {
            return new SwitchDecision(Now: true, $"{first} has switched");
        }

        if (view.Waited < view.Patience && view.Others.FirstOrDefault(node => IsAhead(view, node)) is { } ahead)
        {
            return new SwitchDecision(Now: false, $"{ahead} has a newer one ready, which is prepared here too");
        }

        var missing = view.Reachable is { } reachable
            ? [.. view.Others.Where(node => reachable.Contains(node) && !IsDone(view, node))]
            : ImmutableArray.Create("the cluster");
        return missing.IsEmpty ? new SwitchDecision(Now: true, "all nodes that can be reached are ready")
            : view.Waited >= view.Patience ? new SwitchDecision(Now: true, $"{string.Join(", ", missing)} is not ready, and was waited for long enough")
            : new SwitchDecision(Now: false, $"waiting for {string.Join(", ", missing)}");
    }

    /// <summary>Ready; or known not to become so by waiting.</summary>
    private static bool IsDone(SwitchView view, string node) =>
        Of(view, node) is { } said && (said.Prepared >= view.Prepared || said.Failed >= view.Prepared);

    /// <summary>It skips this one: who switched to it would be alone with it until the newer one is prepared here.</summary>
    private static bool IsAhead(SwitchView view, string node) => view.Reachable?.Contains(node) == true && Of(view, node)?.Prepared > view.Prepared;

    private static NodeSighting? Of(SwitchView view, string node) =>
        view.Sightings.GetValueOrDefault(node) is { } said && said.Line == view.Line ? said : null;
}
