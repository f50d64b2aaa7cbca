using System.Collections.Immutable;
using Akka.Actor;
using ClusterFs.Api;
using ClusterFs.Configuration;

namespace ClusterFs.Node.Cluster;

/// <summary>The configured nodes, as this node's membership sees them now. Never waits. Thread-safe.</summary>
internal sealed class Membership(ActorSystem system, Settings settings)
{
    public ImmutableArray<MemberStatus> Look()
    {
        var state = Akka.Cluster.Cluster.Get(system).State;
        return
        [
            .. settings.Cluster.Nodes.Select(node =>
            {
                // The newest, where an earlier one of the same address has not been removed yet.
                var member = state.Members.LastOrDefault(member => ClusterConfiguration.NodeAt(settings, member.Address) == node.Key);
                return new MemberStatus(
                    node.Key,
                    $"{node.Value}:{settings.Cluster.Port}",
                    member?.Status.ToString().ToLowerInvariant() ?? "unknown",
                    member is not null && !state.Unreachable.Contains(member));
            }),
        ];
    }

    /// <summary>Whether a majority is seen. Leases do not depend on it.</summary>
    public static bool HasQuorum(ImmutableArray<MemberStatus> members) => members.Count(member => member is { Status: "up", Reachable: true }) > members.Length / 2;
}
