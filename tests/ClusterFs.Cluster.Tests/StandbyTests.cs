using ClusterFs.Cluster.Tests.Bench;
using ClusterFs.Demo;
using ClusterFs.Demo.Layout;
using ClusterFs.Posix;

namespace ClusterFs.Cluster.Tests;

[Collection(OneCluster.Name)]
public sealed class StandbyTests(ClusterBench bench)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(40);

    [Fact]
    public async Task The_other_nodes_follow_every_dump_and_one_of_them_takes_over_with_its_copy()
    {
        var first = await bench.Settle();
        await using var load = await bench.Load(first);
        var before = await bench.Cluster.UntilService(ClusterBench.Guestbook, "has a dump", Patience, service => service.LastDump is not null);
        var others = bench.Cluster.Except(first).Select(node => node.Name).ToArray();

        // Twice, so that one copy at least came out of another.
        var seen = before.LastDump!.Sequence;
        for (var i = 0; i < 2; i++)
        {
            var status = await bench.Cluster.UntilService(
                ClusterBench.Guestbook,
                "has two standbys with a newer dump",
                Patience,
                service => others.All(name => service.Standbys.Any(standby =>
                    standby.Node == name && standby.Sequence > seen && standby is { LagSeconds: < 20, Problem: null })));
            seen = status.LastDump!.Sequence;
        }

        await bench.DecidesOffTheOwner(first);
        var killed = MachineClock.Boottime;
        await first.KillEverything();
        var second = await load.UntilTakenOverFrom(first);

        Assert.Contains(
            "the standby copy, brought to the newest dump", File.ReadAllText(Path.Combine(second.LogDirectory, "daemon.log")), StringComparison.Ordinal);
        bench.ShorterThan(ClusterBench.LongestTakeover, load.Writer.LongestOutageSince(killed));
        var taken = await bench.Cluster.UntilService(
            ClusterBench.Guestbook, "has no standby on its owner", Patience, service => service.IsOwned && service.Standbys.All(standby => standby.Node != service.Owner));
        Assert.Equal(second.Name, taken.Owner);
        bench.Beats.NeverOverlapped(ClusterBench.Guestbook, runsAtLeast: 2);
    }
}
