using System.Collections.Immutable;
using Akka.Actor;
using Akka.TestKit.Xunit2;
using ClusterFs.Ownership.Sharding;

namespace ClusterFs.Ownership.Tests.Sharding;

public sealed class OwnerAvoidingAllocationTests : TestKit
{
    private static readonly Dictionary<string, ImmutableArray<string>> Preferences = new() { ["wiki"] = ["n1", "n2", "n3"] };
    private readonly KnownOwners _owners = new();
    private readonly HashSet<string> _unreachable = [];

    [Fact]
    public async Task A_service_without_an_owner_is_placed_off_the_node_that_wants_it_most() =>
        Assert.Equal("n3", await Place(("n1", []), ("n2", []), ("n3", [])));

    [Fact]
    public async Task A_service_is_placed_off_its_owner()
    {
        _owners.Heard("wiki", "n3");

        Assert.Equal("n2", await Place(("n1", []), ("n2", []), ("n3", [])));
    }

    [Fact]
    public async Task An_only_node_is_better_than_none()
    {
        _owners.Heard("wiki", "n1");

        Assert.Equal("n1", await Place(("n1", [])));
        Assert.Empty(await Misplaced(("n1", ["wiki"])));
    }

    [Fact]
    public async Task A_shard_on_the_owner_is_moved_away_and_stays_where_it_then_is()
    {
        _owners.Heard("wiki", "n2");

        Assert.Equal(["wiki"], await Misplaced(("n1", []), ("n2", ["wiki"]), ("n3", [])));
        Assert.Empty(await Misplaced(("n1", ["wiki"]), ("n2", []), ("n3", [])));
    }

    [Fact]
    public async Task A_node_that_does_not_answer_is_not_asked_to_hand_over()
    {
        _owners.Heard("wiki", "n2");
        _unreachable.Add("n2");

        Assert.Empty(await Misplaced(("n1", []), ("n2", ["wiki"]), ("n3", [])));
    }

    private async Task<string> Place(params (string Node, string[] Shards)[] regions)
    {
        var placed = await Allocation().AllocateShard(ActorRefs.Nobody, "wiki", Regions(regions));
        return NodeAt(placed.Path.Address)!;
    }

    private async Task<IImmutableSet<string>> Misplaced(params (string Node, string[] Shards)[] regions) =>
        await Allocation().Rebalance(Regions(regions), ImmutableHashSet<string>.Empty);

    private static string? NodeAt(Address address) => address.Host;

    private OwnerAvoidingAllocation Allocation() => new(_owners, NodeAt, Preferences, address => !_unreachable.Contains(address.Host!));

    private ImmutableDictionary<IActorRef, IImmutableList<string>> Regions((string Node, string[] Shards)[] regions) =>
        regions.ToImmutableDictionary(
            region => (IActorRef)new Region(new RootActorPath(new Address("akka.tcp", "node", region.Node, 4053)) / "region", Sys),
            region => (IImmutableList<string>)region.Shards.ToImmutableList());

    private sealed class Region(ActorPath path, ActorSystem system) : MinimalActorRef
    {
        public override ActorPath Path { get; } = path;

        public override IActorRefProvider Provider { get; } = ((ExtendedActorSystem)system).Provider;
    }
}
