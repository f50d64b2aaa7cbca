using System.Globalization;
using ClusterFs.Cluster.Tests.Bench;
using ClusterFs.Demo;

namespace ClusterFs.Cluster.Tests;

/// <summary>What those ask who know petabridge.cmd.</summary>
[Collection(OneWatchedCluster.Name)]
public sealed class InspectionTests(WatchedCluster watched)
{
    private const string Service = WatchedCluster.Service;

    [Fact]
    public async Task Members_shards_actors_and_the_log_are_shown()
    {
        var owner = await watched.Settle();

        var members = await Said(owner, "cluster", "show");
        Assert.All(watched.Cluster.Nodes, node => Assert.Contains(node.Name, members, StringComparison.Ordinal));
        Assert.Contains("every member is reached", await Said(owner, "cluster", "down-unreachable"), StringComparison.Ordinal);
        Assert.Equal("ownership\n", await Said(owner, "cluster-sharding", "list-regions"));
        Assert.Contains(Service, await Said(owner, "cluster-sharding", "region-stats"), StringComparison.Ordinal);
        Assert.Contains($"\n    node\n      {Service}\n", await Said(owner, "actor", "hierarchy"), StringComparison.Ordinal);
        Assert.Equal("information\n", await Said(owner, "log", "level"));
        Assert.Equal("debug\n", await Said(owner, "log", "level", "debug"));
        Assert.Equal("information\n", await Said(owner, "log", "level", "information"));
        Assert.Equal(2, (await owner.Clusterfs("log", "level", "loud")).ExitCode);
        Assert.Equal(2, (await owner.Clusterfs("cluster", "down", "nowhere")).ExitCode);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_daemon_that_leaves_or_is_downed_joins_again_and_its_service_does_not_notice(bool leaves)
    {
        var owner = await watched.Settle();
        var other = watched.Cluster.Nodes.First(node => node != owner);
        var before = await watched.Cluster.UntilService(Service, "is owned", WatchedCluster.Patience, service => service.IsOwned);
        var processes = owner.ProcessesOf(Service).Order().Where(IsLasting).ToList();
        Assert.NotEmpty(processes);

        await Said(leaves ? owner : other, leaves ? ["cluster", "leave"] : ["cluster", "down", owner.Name]);
        await Eventually.Get(
            "the daemon is no member for a while",
            WatchedCluster.Patience,
            async () => (await other.TryStatus())?.Cluster.Members.Any(member => member.Name == owner.Name && !member.IsUp) == true ? "" : null,
            watched.Cluster.Evidence);
        await watched.Cluster.UntilComplete(WatchedCluster.Patience);

        var after = await watched.Cluster.UntilService(Service, "is owned", WatchedCluster.Patience, service => service.IsOwned);
        Assert.Equal((before.Owner, before.Epoch), (after.Owner, after.Epoch));
        Assert.Subset(owner.ProcessesOf(Service).ToHashSet(), processes.ToHashSet());
    }

    /// <summary>No program that the service's shell starts again and again, nor what is about to become one: it still has the shell's name.</summary>
    private static bool IsLasting(int process) =>
        ParentAndName(process) is (var parent, var name) && name != "sleep" && ParentAndName(parent)?.Name != name;

    private static (int Parent, string Name)? ParentAndName(int process)
    {
        try
        {
            var status = File.ReadLines($"/proc/{process}/status").Select(line => line.Split(":\t")).Where(fields => fields.Length == 2).ToDictionary(fields => fields[0], fields => fields[1]);
            return (int.Parse(status["PPid"], CultureInfo.InvariantCulture), status["Name"]);
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static async Task<string> Said(ClusterNode node, params string[] command) => (await node.Clusterfs(command)).Successful().Output;
}
