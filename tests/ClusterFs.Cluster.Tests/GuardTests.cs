using ClusterFs.Cluster.Tests.Bench;
using ClusterFs.Demo;
using ClusterFs.Posix;

namespace ClusterFs.Cluster.Tests;

[Collection(OneCluster.Name)]
public sealed class GuardTests(ClusterBench bench)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(40);

    [Fact]
    public async Task The_services_of_a_killed_guard_die_with_it_and_another_node_takes_over()
    {
        var owner = await bench.Settle();
        await using var load = await bench.Load(owner);

        var killed = MachineClock.Boottime;
        owner.Guard!.Signal(Processes.SignalKill);
        await NothingRunsOn(owner, ClusterBench.Guestbook, ClusterBench.Ttl);
        var next = await load.UntilTakenOverFrom(owner);

        Assert.NotEqual(owner, next);
        var outage = load.Writer.LongestOutageSince(killed);
        bench.ShorterThan(ClusterBench.LongestTakeover, outage);
        bench.Beats.NeverOverlapped(ClusterBench.Guestbook, runsAtLeast: 2);
    }

    [Fact]
    public async Task The_services_of_a_frozen_guard_die_before_the_deadline_and_nothing_starts_again_when_it_wakes()
    {
        var owner = await bench.Settle();
        await using var load = await bench.Load(owner);
        var before = await bench.Cluster.UntilService(ClusterBench.Guestbook, "is owned", Patience, bench.IsRunning);

        owner.Guard!.Signal(Processes.SignalStop);
        ClusterNode next;
        try
        {
            await NothingRunsOn(owner, ClusterBench.Guestbook, ClusterBench.Ttl);
            next = await load.UntilTakenOverFrom(owner);
        }
        finally
        {
            owner.Guard.Signal(Processes.SignalContinue);
        }

        var woken = MachineClock.Boottime;
        while (MachineClock.Boottime - woken < ClusterBench.Ttl)
        {
            Assert.Empty(owner.ProcessesOf(ClusterBench.Guestbook));
            await Task.Delay(TimeSpan.FromMilliseconds(100));
        }

        var after = await bench.Cluster.UntilService(ClusterBench.Guestbook, "is owned", Patience, bench.IsRunning);
        Assert.Equal(next.Name, after.Owner);
        Assert.True(after.Epoch > before.Epoch, $"epoch {after.Epoch} follows {before.Epoch}");
        await load.StayedUntouchedSince(woken);
        bench.Beats.NeverOverlapped(ClusterBench.Guestbook, runsAtLeast: 2);
    }

    [Fact]
    public async Task A_service_that_forks_away_dies_with_its_killed_guard_too()
    {
        await bench.Settle();
        var owner = await bench.Settle(ClusterBench.Forking);

        owner.Guard!.Signal(Processes.SignalKill);
        await NothingRunsOn(owner, ClusterBench.Forking, ClusterBench.Ttl);
        await bench.Cluster.UntilService(
            ClusterBench.Forking, "runs elsewhere", Patience, service => service.Owner != owner.Name && bench.IsRunning(service));

        await bench.Retire(ClusterBench.Forking);
        bench.Beats.NeverOverlapped(ClusterBench.Forking, runsAtLeast: 2);
    }

    private Task NothingRunsOn(ClusterNode node, string service, TimeSpan within) => Eventually.True(
        $"no process of {service} is left on {node.Name}", within, () => node.ProcessesOf(service).Count == 0, bench.Cluster.Evidence);
}
