using System.Collections.Immutable;
using Akka.Actor;
using Akka.Cluster.Sharding;
using ClusterFs.Api;
using ClusterFs.Configuration;
using ClusterFs.Node.Agents;
using ClusterFs.Node.Api;
using ClusterFs.Node.Cluster;
using ClusterFs.Ownership.Sharding;

namespace ClusterFs.Node.Inspection;

/// <summary>What those ask who know the tools of Akka: members, shards, actors, the log. Leases and services go on whatever is asked. Thread-safe.</summary>
internal sealed class InspectionQueries(ActorSystem system, Settings settings, NodeBoard board, Membership membership, LogThreshold log)
{
    private const int MostActors = 5000;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private Akka.Cluster.Cluster Cluster => Akka.Cluster.Cluster.Get(system);

    public MembershipReport Leave()
    {
        Cluster.Leave(Cluster.SelfAddress);
        return new MembershipReport(
            [settings.Node.Name], $"{settings.Node.Name} leaves the cluster of daemons, and joins it again by itself after some seconds; its services go on");
    }

    public Answer<MembershipReport> Down(string? node)
    {
        if (node is null || !settings.Cluster.Nodes.ContainsKey(node))
        {
            return Problem.NoNode(settings, node);
        }

        if (membership.Look().Any(member => member.Name == node && member.Status == "unknown"))
        {
            return Problem.Of(StatusCodes.Status409Conflict, $"{node} is no member", "see `clusterfs cluster show`");
        }

        Cluster.Down(ClusterConfiguration.AddressOf(settings, node));
        return new MembershipReport([node], $"{node} is removed from the cluster of daemons; one that lives joins again by itself, and its services go on");
    }

    public MembershipReport DownUnreachable()
    {
        ImmutableArray<string> lost = [.. membership.Look().Where(member => !member.Reachable && member.Status != "unknown").Select(member => member.Name)];
        foreach (var node in lost)
        {
            Cluster.Down(ClusterConfiguration.AddressOf(settings, node));
        }

        return new MembershipReport(lost, lost.IsEmpty ? "every member is reached" : $"{string.Join(", ", lost)} removed from the cluster of daemons");
    }

    public async Task<Answer<ShardingReport>> ShardsAsync()
    {
        if (board.Region is not { } region)
        {
            return Problem.Of(StatusCodes.Status504GatewayTimeout, "ownership has not started on this node", "see `clusterfs status`");
        }

        try
        {
            var stats = await region.Ask<ClusterShardingStats>(new GetClusterShardingStats(Patience), Patience * 2).ConfigureAwait(false);
            return new ShardingReport(
                [OwnershipRegion.TypeName],
                [
                    .. stats.Regions
                        .Select(one => new NodeShards(
                            ClusterConfiguration.NodeAt(settings, one.Key) ?? settings.Node.Name,
                            OwnershipRegion.TypeName,
                            [.. one.Value.Stats.Keys.Order(StringComparer.Ordinal)]))
                        .OrderBy(one => one.Node, StringComparer.Ordinal),
                ]);
        }
        catch (AskTimeoutException)
        {
            return Problem.Of(StatusCodes.Status504GatewayTimeout, "the shards of the other nodes are not known in time", "are all nodes reached? See `clusterfs status`");
        }
    }

    public ActorsReport Actors()
    {
        var entries = ImmutableArray.CreateBuilder<ActorEntry>();
        var leftOut = 0;
        Walk(((ExtendedActorSystem)system).Provider.RootGuardian, 0);
        return new ActorsReport(entries.ToImmutable(), leftOut);

        void Walk(IActorRef actor, int depth)
        {
            if (entries.Count == MostActors)
            {
                leftOut++;
            }
            else
            {
                entries.Add(new ActorEntry(depth == 0 ? "/" : actor.Path.Name, depth));
            }

            if (actor is ActorRefWithCell cell)
            {
                foreach (var child in cell.Children.OrderBy(child => child.Path.Name, StringComparer.Ordinal))
                {
                    Walk(child, depth + 1);
                }
            }
        }
    }

    public LogLevelReport LogLevel() => new(log.Word);

    public Answer<LogLevelReport> SetLogLevel(string? level) => log.TrySet(level)
        ? LogLevel()
        : Problem.Of(StatusCodes.Status400BadRequest, $"'{level}' is no level", $"the levels are {string.Join(", ", LogThreshold.Words)}");
}
