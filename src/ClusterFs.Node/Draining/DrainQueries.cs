using System.Collections.Immutable;
using Akka.Actor;
using ClusterFs.Api;
using ClusterFs.Configuration;
using ClusterFs.Node.Agents;
using ClusterFs.Node.Api;
using ClusterFs.Node.Cluster;
using ClusterFs.Ownership.Messages;

namespace ClusterFs.Node.Draining;

/// <summary>Asks nodes, this one too, whether they are drained, and tells them to be. Thread-safe.</summary>
internal sealed class DrainQueries(ActorSystem system, Settings settings)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan GlancePatience = TimeSpan.FromMilliseconds(300);

    /// <summary>Of the nodes that answer at once, those that are drained.</summary>
    public async Task<ImmutableDictionary<string, DateTimeOffset>> DrainedAsync()
    {
        var told = await Task.WhenAll(settings.Cluster.Nodes.Keys.Select(node => AskAsync(node, new AskDrain(), GlancePatience))).ConfigureAwait(false);
        return told.Where(one => one is { Since: not null }).ToImmutableDictionary(one => one!.Node, one => one!.Since!.Value, StringComparer.Ordinal);
    }

    public Task<Answer<DrainReport>> LookAsync(string? node) => ReportAsync(node, new AskDrain());

    public Task<Answer<DrainReport>> DrainAsync(string? node, bool drain) => ReportAsync(node, new DrainNode(drain));

    private async Task<Answer<DrainReport>> ReportAsync(string? node, object message)
    {
        node ??= settings.Node.Name;
        if (!settings.Cluster.Nodes.ContainsKey(node))
        {
            return Problem.NoNode(settings, node);
        }

        return await AskAsync(node, message, Patience).ConfigureAwait(false) switch
        {
            null => Problem.Of(
                StatusCodes.Status504GatewayTimeout,
                $"the daemon of {node} does not answer, is of an earlier version, or cannot write to its disk in time",
                "a node keeps by itself that it is drained; one that is away is given nothing anyway"),
            { Problem: { } problem } => Problem.Of(StatusCodes.Status500InternalServerError, $"{node} cannot keep it: {problem}", null),
            var told => new DrainReport(node, told.Since is not null, told.Since, [.. told.Left.Select(left => new DrainingService(left.Service, left.Doing, left.IsStuck))]),
        };
    }

    private async Task<DrainTold?> AskAsync(string node, object message, TimeSpan patience)
    {
        var cluster = Akka.Cluster.Cluster.Get(system);
        var member = cluster.State.Members.LastOrDefault(member => ClusterConfiguration.NodeAt(settings, member.Address) == node);
        var agent = node == settings.Node.Name ? system.ActorSelection($"/user/{NodeAgent.Name}")
            : member is null || cluster.State.Unreachable.Contains(member) ? null
            : system.ActorSelection(new RootActorPath(member.Address) / "user" / NodeAgent.Name);
        if (agent is null)
        {
            return null;
        }

        try
        {
            return await agent.Ask<DrainTold>(message, patience).ConfigureAwait(false);
        }
        catch (Exception silence) when (silence is AskTimeoutException or TaskCanceledException)
        {
            return null;
        }
    }
}
