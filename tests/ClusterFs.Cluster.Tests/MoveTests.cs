using ClusterFs.Cluster.Tests.Bench;
using ClusterFs.Demo;
using ClusterFs.Posix;

namespace ClusterFs.Cluster.Tests;

[Collection(OneCluster.Name)]
public sealed class MoveTests(ClusterBench bench)
{
    [Fact]
    public async Task A_planned_move_under_load_is_short_and_loses_nothing()
    {
        var owner = await bench.Settle();
        await using var load = await bench.Load(owner);
        var target = bench.Cluster.Except(owner).First();

        var began = MachineClock.Boottime;
        (await owner.Clusterfs("move", ClusterBench.Guestbook, "--to", target.Name)).Successful();
        Assert.Equal(target, await load.UntilTakenOverFrom(owner));

        var outage = load.Writer.LongestOutageSince(began);
        bench.ShorterThan(ClusterBench.LongestMove, outage);
        await load.LostNothing(target);
        Assert.Empty(owner.ProcessesOf(ClusterBench.Guestbook));
        bench.Beats.NeverOverlapped(ClusterBench.Guestbook, runsAtLeast: 2);
    }

    [Theory]
    [InlineData(ClusterBench.Stubborn)]
    [InlineData(ClusterBench.Forking)]
    public async Task A_service_that_does_not_want_to_end_leaves_no_process_behind(string service)
    {
        await bench.Settle();
        var owner = await bench.Settle(service);
        var target = bench.Cluster.Except(owner).First();

        (await owner.Clusterfs("move", service, "--to", target.Name)).Successful();

        Assert.Empty(owner.ProcessesOf(service));
        // The move is over when the gate is open; to become the service, what waited there needs a moment more.
        await Eventually.True(
            $"{service} runs on {target.Name}",
            TimeSpan.FromSeconds(2),
            () => target.ProcessesOf(service).Count > 0,
            bench.Cluster.Evidence);
        await bench.Retire(service);
        Assert.All(bench.Cluster.Nodes, node => Assert.Empty(node.ProcessesOf(service)));
        bench.Beats.NeverOverlapped(service, runsAtLeast: 2);
    }
}
