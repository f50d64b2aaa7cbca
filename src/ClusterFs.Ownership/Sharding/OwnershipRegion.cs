using System.Collections.Immutable;
using Akka.Actor;
using Akka.Cluster;
using Akka.Cluster.Sharding;
using ClusterFs.Lease.Ownership;

namespace ClusterFs.Ownership.Sharding;

/// <summary>Where messages for the ownership of services are sent.</summary>
public static class OwnershipRegion
{
    public const string TypeName = "ownership";

    /// <summary>Starts this node's part of the sharded ownership. To be called once per actor system, after the journal was verified.</summary>
    /// <param name="services">Every service of the cluster, the same on every node.</param>
    /// <param name="nodeAt">The node at an address of the cluster; null when it is none of the configured.</param>
    public static Task<IActorRef> StartAsync(
        ActorSystem system,
        IReadOnlyDictionary<string, OwnershipSettings> services,
        OwnershipSurroundings surroundings,
        KnownOwners owners,
        Func<Address, string?> nodeAt)
    {
        var cluster = Cluster.Get(system);
        return ClusterSharding.Get(system).StartAsync(
            TypeName,
            service => OwnershipActor.Props(services[service], surroundings),
            ClusterShardingSettings.Create(system),
            new OwnershipExtractor(services.Keys.ToImmutableHashSet(StringComparer.Ordinal)),
            new OwnerAvoidingAllocation(
                owners,
                address => nodeAt(address.HasGlobalScope ? address : cluster.SelfAddress),
                services.ToImmutableDictionary(pair => pair.Key, pair => pair.Value.Nodes),
                address => cluster.State.Unreachable.All(member => member.Address != address)),
            OwnershipActor.HandOff.Instance);
    }
}
