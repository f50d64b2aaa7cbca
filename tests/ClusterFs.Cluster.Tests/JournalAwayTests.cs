using ClusterFs.Cluster.Tests.Bench;
using ClusterFs.Demo;
using ClusterFs.Demo.Layout;

namespace ClusterFs.Cluster.Tests;

/// <summary>The journal and the transport that a cluster of several machines has.</summary>
public sealed class JournalAwayTests
{
    private static readonly TimeSpan Away = TimeSpan.FromSeconds(30);

    [SkippableFact]
    public async Task With_postgresql_stopped_for_half_a_minute_the_service_runs_on_and_can_be_moved_afterwards()
    {
        Skip.If(PrivatePostgres.Missing is not null, PrivatePostgres.Missing);
        var bench = await ClusterBench.With(JournalKind.PostgreSql, encrypted: true);
        try
        {
            var owner = await bench.Settle();
            await using var load = await bench.Load(owner);

            await UntilJournal(bench.Cluster, reachable: true);

            await bench.Cluster.Postgres.Stop();
            await UntilJournal(bench.Cluster, reachable: false);
            await load.StaysUntouchedFor(Away);
            await bench.Cluster.Postgres.Start();
            await UntilJournal(bench.Cluster, reachable: true);

            var target = bench.Cluster.Except(owner).First();
            (await owner.Clusterfs(TimeSpan.FromSeconds(60), "move", ClusterBench.Guestbook, "--to", target.Name)).Successful();
            Assert.Equal(target, await load.UntilTakenOverFrom(owner));
            await load.LostNothing(target);
            bench.Beats.NeverOverlapped(ClusterBench.Guestbook, runsAtLeast: 2);
        }
        finally
        {
            await bench.DisposeAsync();
        }
    }

    private static async Task UntilJournal(LocalCluster cluster, bool reachable)
    {
        foreach (var node in cluster.Nodes)
        {
            await Eventually.Get(
                $"{node.Name} says whether the journal can be reached: {reachable}",
                TimeSpan.FromSeconds(15),
                async () => (await node.TryStatus())?.Cluster.Journal is { } journal && journal.Reachable == reachable ? journal : null,
                cluster.Evidence);
        }
    }
}
