using ClusterFs.Demo;
using ClusterFs.Demo.Layout;
using ClusterFs.Demo.Status;
using ClusterFs.Posix;

namespace ClusterFs.Cluster.Tests;

/// <summary>Where services would rather be, and what may not have them: real daemons, in one course of events.</summary>
public sealed class PlacementTests
{
    private const string Home = "home";
    private const string Database = "database";
    private const string Follower = "follower";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Services_wait_for_one_another_stay_together_go_back_and_leave_a_node_that_is_drained()
    {
        await using var cluster = await LocalCluster.Create(new LocalClusterOptions
        {
            Name = "placement",
            Ttl = TimeSpan.FromSeconds(4),
            StopBudget = TimeSpan.FromMilliseconds(500),
            FailoverMax = 0,
            Binaries = Binaries.Find(),
            Services =
            [
                Sleeping(Home, "failback = \"after:2s\""),
                Sleeping(Database, ""),
                Sleeping(Follower, $"with = [{Database}], depends-on = [{Database}]"),
            ],
        });
        foreach (var node in cluster.Nodes)
        {
            node.Start();
        }

        await cluster.UntilComplete(Patience);
        foreach (var node in cluster.Nodes)
        {
            node.StartRun(Home);
            node.StartRun(Follower);
        }

        var (first, second) = (cluster.Nodes[0], cluster.Nodes[1]);

        await RunsOn(cluster, Home, first);
        await WaitsAndFollows(cluster);
        await FailsOverAndGoesBack(cluster, first, second);
        await IsDrained(cluster, first, second);
    }

    private static LocalService Sleeping(string name, string settings) =>
        new(name, TimeSpan.FromSeconds(1), node => ["sh", "-c", $"date > '{node.LivePath(name)}/started'; exec sleep 3600"], settings);

    private static async Task WaitsAndFollows(LocalCluster cluster)
    {
        var (first, second, third) = (cluster.Nodes[0], cluster.Nodes[1], cluster.Nodes[2]);
        await cluster.UntilService(
            Follower, "waits", Patience, status => status is { Owner: null, State: "vacant" } && status.Reason?.Contains($"waits for {Database}", StringComparison.Ordinal) == true);
        Assert.Contains(
            $"It waits for {Database}, which it depends on, to run", (await first.Clusterfs("explain", Follower)).Successful().Output, StringComparison.Ordinal);

        second.StartRun(Database);
        await RunsOn(cluster, Database, second);
        await RunsOn(cluster, Follower, second);
        Assert.NotEqual(0, (await first.Clusterfs("move", Follower, "--to", third.Name)).ExitCode);

        third.StartRun(Database);
        await Eventually.Get(
            "both can be moved",
            Patience,
            async () => (await first.Clusterfs("move", Follower, "--to", third.Name)) is { ExitCode: 0 } moved ? moved.Output : null,
            cluster.Evidence);
        await RunsOn(cluster, Database, third);
        await RunsOn(cluster, Follower, third);

        // What waits for the database on its node is gone: it fails over, and the other goes after it.
        third.Runs[Database].Signal(Processes.SignalKill);
        await RunsOn(cluster, Database, second);
        await RunsOn(cluster, Follower, second);
        Assert.Contains(
            "because what it is kept together with is there", (await first.Clusterfs("history", Follower)).Successful().Output, StringComparison.Ordinal);
    }

    private static async Task FailsOverAndGoesBack(LocalCluster cluster, ClusterNode first, ClusterNode second)
    {
        await first.KillEverything();
        await RunsOn(cluster, Home, second);
        (await second.Clusterfs("pause")).Successful();
        await ComesBack(cluster, first);
        await cluster.UntilService(Home, "says that it waits", Patience, Says($"does not go back to {first.Name} while it is paused"));
        var said = (await second.Clusterfs("explain", Home)).Successful();
        Assert.Contains("PAUSED: ", said.Error, StringComparison.Ordinal);
        Assert.Contains($"It does not go back to {first.Name} while it is paused.", said.Output, StringComparison.Ordinal);

        (await second.Clusterfs("resume")).Successful();
        await RunsOn(cluster, Home, first);
        Assert.Contains("because that is its preferred node", (await second.Clusterfs("history", Home)).Successful().Output, StringComparison.Ordinal);
    }

    private static async Task IsDrained(LocalCluster cluster, ClusterNode first, ClusterNode second)
    {
        var drained = (await second.Clusterfs(Patience, "node", "drain", first.Name)).Successful();
        Assert.Contains($"{first.Name} is drained", drained.Output, StringComparison.Ordinal);
        Assert.Contains($"{Home}: is gone from {first.Name}", drained.Error, StringComparison.Ordinal);
        await RunsOn(cluster, Home, second);

        // Its daemon knows it again, whatever became of it.
        await first.KillEverything();
        await ComesBack(cluster, first);
        await Eventually.Get(
            "status says that the node is drained",
            Patience,
            async () => (await second.Clusterfs("status")).Output.Contains($"DRAINED: {first.Name}", StringComparison.Ordinal) ? "" : null,
            cluster.Evidence);
        await cluster.UntilService(Home, "stays away from it", Patience, Says($"will go back to {first.Name} once that is fit for it"));
        Assert.NotEqual(0, (await second.Clusterfs("move", Home, "--to", first.Name)).ExitCode);

        var alone = await second.Clusterfs(Patience, "node", "drain", cluster.Nodes[2].Name);
        Assert.Equal(0, alone.ExitCode);
        var stuck = await second.Clusterfs(Patience, "node", "drain");
        Assert.Equal(1, stuck.ExitCode);
        Assert.Contains("no other node waits for it", stuck.Error, StringComparison.Ordinal);
        Assert.NotEmpty(second.ProcessesOf(Home));

        (await second.Clusterfs("node", "undrain", first.Name)).Successful();
        await RunsOn(cluster, Home, first);
    }

    private static async Task ComesBack(LocalCluster cluster, ClusterNode node)
    {
        node.Start();
        await cluster.UntilComplete(Patience);
        node.StartRun(Home);
        node.StartRun(Follower);
    }

    private static Func<ServiceStatus, bool> Says(string words) => service => service.Placement.Any(note => note.Contains(words, StringComparison.Ordinal));

    private static Task<ServiceStatus> RunsOn(LocalCluster cluster, string service, ClusterNode node) => cluster.UntilService(
        service, $"runs on {node.Name}", Patience, status => status.IsOwned && status.Owner == node.Name && node.ProcessesOf(service).Count > 0);
}
