using ClusterFs.Cluster.Tests.Bench;
using ClusterFs.Demo;
using ClusterFs.Demo.Layout;
using ClusterFs.Demo.Writing;
using ClusterFs.Posix;

namespace ClusterFs.Cluster.Tests;

[Collection(OneCluster.Name)]
public sealed class OwnerKilledTests(ClusterBench bench)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(40);

    [Fact]
    public async Task Another_node_takes_over_in_time_loses_what_was_announced_and_the_rest_is_kept_as_divergent()
    {
        var first = await bench.Settle();
        await using var load = await bench.Load(first);
        var divergentBefore = (await bench.Cluster.UntilService(ClusterBench.Guestbook, "is known", Patience, _ => true)).Divergent;

        await bench.DecidesOffTheOwner(first);
        await load.UntilALossIsCertain(first);
        var killed = MachineClock.Boottime;
        var announced = load.Watch.LastBefore(killed);
        await first.KillEverything();
        var second = await load.UntilTakenOverFrom(first);

        var outage = load.Writer.LongestOutageSince(killed);
        bench.ShorterThan(ClusterBench.LongestTakeover, outage);
        var lost = await load.Writer.MissingAt(GuestbookService.AddressOn(second));
        Assert.NotEmpty(lost);
        Assert.All(lost, row => Assert.True(row.AcknowledgedAt >= announced.SafeUntil, $"{row} was lost; announced was {announced}"));

        var returned = MachineClock.Boottime;
        first.Start();
        first.StartRun(ClusterBench.Guestbook);
        await bench.Cluster.UntilComplete(Patience);
        await bench.Cluster.UntilService(
            ClusterBench.Guestbook, "has one more divergent dump", Patience, service => service.Divergent > divergentBefore);
        var kept = await DivergentDump.ReadNewest(first);
        Assert.All(lost, row => Assert.Contains(row.Text, kept.Texts));
        Assert.Empty(first.ProcessesOf(ClusterBench.Guestbook));
        await load.StayedUntouchedSince(returned);
        bench.Beats.NeverOverlapped(ClusterBench.Guestbook, runsAtLeast: 2);

        await Adopt(kept, on: first, load, lost);
        bench.Beats.NeverOverlapped(ClusterBench.Guestbook, runsAtLeast: 3);
    }

    /// <summary>The lost rows come back to a service that runs: it is stopped, and goes on from them.</summary>
    private async Task Adopt(DivergentDump kept, ClusterNode on, Load load, IReadOnlyList<AcknowledgedRow> lost)
    {
        var before = (await bench.Cluster.UntilService(ClusterBench.Guestbook, "is owned", Patience, service => service.IsOwned)).Epoch;
        (await on.Clusterfs("divergent", "adopt", ClusterBench.Guestbook, kept.Id, "--confirm", kept.Id)).Successful();
        var after = await bench.Cluster.UntilService(
            ClusterBench.Guestbook, "is owned anew", Patience, service => service.IsOwned && service.Epoch > before);
        await load.Writer.UntilAcknowledged(MachineClock.Boottime, Patience, bench.Cluster.Evidence);
        var owner = bench.Cluster.Nodes.Single(node => node.Name == after.Owner);
        var missing = await load.Writer.MissingAt(GuestbookService.AddressOn(owner));
        Assert.Empty(missing.Intersect(lost));
    }
}
