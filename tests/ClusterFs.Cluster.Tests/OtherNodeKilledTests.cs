using ClusterFs.Cluster.Tests.Bench;

namespace ClusterFs.Cluster.Tests;

/// <summary>
/// The shard of a service is placed off its owner: one of the two other nodes hosts the ownership actor, so killing either in turn
/// kills the host of the ownership actor for certain.
/// </summary>
[Collection(OneCluster.Name)]
public sealed class OtherNodeKilledTests(ClusterBench bench)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task The_service_is_untouched_and_ownership_is_decided_again_without_the_killed_node(int which)
    {
        var owner = await bench.Settle();
        await using var load = await bench.Load(owner);
        var epoch = (await bench.Cluster.UntilService(ClusterBench.Guestbook, "is owned", Patience, bench.IsRunning)).Epoch;
        var victim = bench.Cluster.Except(owner).ElementAt(which);
        var survivor = bench.Cluster.Except(owner, victim).Single();

        await victim.KillEverything();
        await load.StaysUntouchedFor(ClusterBench.Ttl * 2);
        var status = await bench.Cluster.UntilService(ClusterBench.Guestbook, "is known", Patience, bench.IsRunning);
        Assert.Equal((owner.Name, epoch), (status.Owner, status.Epoch));

        // Only a living ownership actor can grant this.
        (await owner.Clusterfs(Patience, "move", ClusterBench.Guestbook, "--to", survivor.Name)).Successful();
        Assert.Equal(survivor, await load.UntilTakenOverFrom(owner));
        await load.LostNothing(survivor);
        bench.Beats.NeverOverlapped(ClusterBench.Guestbook, runsAtLeast: 2);
    }
}
