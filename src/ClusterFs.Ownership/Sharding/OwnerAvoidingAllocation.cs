using System.Collections.Immutable;
using Akka.Actor;
using Akka.Cluster.Sharding;

namespace ClusterFs.Ownership.Sharding;

/// <summary>
/// Places a service's ownership on a node that does not own the service, and that will not be the next to own it, where there is a choice: a crash
/// of the owner then takes a lease to end, and not a lease and the new home of an actor.
/// </summary>
/// <param name="nodeAt">The node that a region's address belongs to; null when it is none of the configured.</param>
/// <param name="preferences">For each service the nodes that may own it, most wanted first.</param>
/// <param name="isReachable">
/// Whether the node at an address answers. One that does not is left alone: the shard finds a new home when the node is removed, and not before
/// a hand-off that nobody answers has run out of time.
/// </param>
internal sealed class OwnerAvoidingAllocation(
    KnownOwners owners,
    Func<Address, string?> nodeAt,
    IReadOnlyDictionary<string, ImmutableArray<string>> preferences,
    Func<Address, bool> isReachable) : IShardAllocationStrategy
{
    public Task<IActorRef> AllocateShard(
        IActorRef requester, string shardId, IImmutableDictionary<IActorRef, IImmutableList<string>> currentShardAllocations) =>
        Task.FromResult(Best(shardId, currentShardAllocations));

    public Task<IImmutableSet<string>> Rebalance(
        IImmutableDictionary<IActorRef, IImmutableList<string>> currentShardAllocations, IImmutableSet<string> rebalanceInProgress)
    {
        var misplaced =
            from placed in currentShardAllocations
            where isReachable(placed.Key.Path.Address)
            from shard in placed.Value
            where !rebalanceInProgress.Contains(shard)
                && OwnerOf(shard) is { } owner
                && NodeOf(placed.Key) == owner
                && NodeOf(Best(shard, currentShardAllocations)) != owner
            select shard;
        return Task.FromResult<IImmutableSet<string>>(misplaced.ToImmutableHashSet());
    }

    private IActorRef Best(string service, IImmutableDictionary<IActorRef, IImmutableList<string>> regions)
    {
        var wanted = preferences.TryGetValue(service, out var nodes) ? nodes : [];
        var owner = OwnerOf(service);
        return regions.Keys
            .OrderBy(region => NodeOf(region) == owner)
            .ThenByDescending(region => Rank(wanted, NodeOf(region)))
            .ThenBy(region => regions[region].Count)
            .ThenBy(region => NodeOf(region), StringComparer.Ordinal)
            .First();
    }

    /// <summary>While there is none, the one it will most likely be.</summary>
    private string? OwnerOf(string service) =>
        owners.Of(service) ?? (preferences.TryGetValue(service, out var nodes) ? nodes.FirstOrDefault() : null);

    private string? NodeOf(IActorRef region) => nodeAt(region.Path.Address);

    /// <summary>The less wanted a node is as owner, the later it becomes one; a node that cannot own the service never does.</summary>
    private static int Rank(ImmutableArray<string> wanted, string? node) =>
        node is null ? -1 : wanted.IndexOf(node) is var index && index < 0 ? int.MaxValue : index;
}
