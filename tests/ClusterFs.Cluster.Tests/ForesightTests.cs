using System.Diagnostics;
using System.Text.Json.Nodes;
using ClusterFs.Cluster.Tests.Bench;
using ClusterFs.Demo;

namespace ClusterFs.Cluster.Tests;

/// <summary>What explain and simulate say, held against what then happens.</summary>
[Collection(OneWatchedCluster.Name)]
public sealed class ForesightTests(WatchedCluster watched)
{
    private const string Service = WatchedCluster.Service;

    [Fact]
    public async Task What_was_foreseen_of_a_killed_owner_is_what_happens_and_history_says_it()
    {
        var owner = await watched.Settle();
        var observer = watched.Cluster.Nodes.First(node => node != owner);

        // An ownership that has just changed its node has not heard everybody yet, and neither names the next owner nor says what would be lost.
        var (next, foreseen) = await Eventually.Get(
            "it is decided on off the owner, the next owner is named, and it is known what would be lost",
            WatchedCluster.Patience,
            async () =>
            {
                var nodes = (await Ask(observer, "explain", Service))["nodes"]!.AsArray();
                var loss = (await Ask(observer, "simulate", "kill", owner.Name))["services"]!.AsArray().Single()!;
                return watched.Cluster.DecidesOn(Service) != owner && loss["lostSeconds"] is not null && At(nodes, "owner") == owner.Name && At(nodes, "next") is { } named
                    ? Tuple.Create(named, loss)
                    : null;
            },
            watched.Cluster.Evidence);
        Assert.Equal(("moves", next), ((string)foreseen["outcome"]!, (string)foreseen["next"]!));
        var before = await Epoch();

        var watch = Stopwatch.StartNew();
        await owner.KillEverything();
        var status = await watched.Cluster.UntilService(
            Service, "runs elsewhere", WatchedCluster.Patience, service => service.IsOwned && service.Owner != owner.Name && watched.Cluster.Node(service.Owner!).ProcessesOf(Service).Count > 0);

        Assert.Equal(next, status.Owner);
        Assert.InRange(watch.Elapsed.TotalSeconds, 0, (double)foreseen["leasedAfterSeconds"]! + 6);
        var entries = (await Ask(observer, "history", Service))["entries"]!.AsArray();
        var grant = entries.Last(entry => (string?)entry!["event"] == "granted")!;
        Assert.True((long)grant["epoch"]! > before);
        Assert.Equal("failover", (string?)grant["cause"]);
        Assert.Contains("of writes on", (string)grant["text"]!, StringComparison.Ordinal);
        await watched.Settle();
    }

    [Fact]
    public async Task The_loss_of_the_database_or_of_shared_storage_would_stop_nothing_and_asking_does_nothing()
    {
        var owner = await watched.Settle();
        var before = await Epoch();

        foreach (var what in new[] { "database", "shared" })
        {
            var foreseen = (await Ask(owner, "simulate", "lose", what))["services"]!.AsArray().Single()!;
            Assert.Equal("stays", (string)foreseen["outcome"]!);
        }

        var text = (await owner.Clusterfs("simulate", "lose", "shared")).Successful().Output;
        Assert.Contains("what is at risk grows", text, StringComparison.Ordinal);
        Assert.Equal(before, await Epoch());
        Assert.Equal(2, (await owner.Clusterfs("simulate", "kill", "nowhere")).ExitCode);
        Assert.Equal(2, (await owner.Clusterfs("explain", "nothing")).ExitCode);
    }

    private async Task<long> Epoch() =>
        (await watched.Cluster.UntilService(Service, "is owned", WatchedCluster.Patience, service => service.IsOwned)).Epoch;

    private static async Task<JsonNode> Ask(ClusterNode node, params string[] command) =>
        JsonNode.Parse((await node.Clusterfs([.. command, "--json"])).Successful().Output)!;

    private static string? At(JsonArray nodes, string standing) =>
        (string?)nodes.SingleOrDefault(node => (string?)node!["standing"] == standing)?["node"];
}
