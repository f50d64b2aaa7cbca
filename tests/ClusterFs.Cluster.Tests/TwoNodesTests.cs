using ClusterFs.Cluster.Tests.Bench;
using ClusterFs.Demo;
using ClusterFs.Demo.Layout;
using ClusterFs.Demo.Writing;
using ClusterFs.Posix;

namespace ClusterFs.Cluster.Tests;

/// <summary>Two nodes and the vote in the database: either of the three may be lost.</summary>
public sealed class TwoNodesTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);
    private static readonly TimeSpan Away = TimeSpan.FromSeconds(30);

    [SkippableTheory]
    [InlineData(JournalKind.Sqlite)]
    [InlineData(JournalKind.PostgreSql)]
    public async Task The_other_node_takes_over_in_time_the_killed_one_comes_back_and_can_take_over_in_its_turn(JournalKind journal)
    {
        var bench = await TwoNodes(journal);
        await using var cluster = bench.Cluster;
        var first = await bench.Settle();
        await using var load = await bench.Load(first);
        Assert.Equal(["n1", "n2", "sql"], (await first.Status()).Cluster.Voters);

        // Until the ownership actor has left the owner, the loss of both at once takes the time that Akka needs as well.
        await bench.DecidesOffTheOwner(first);
        await load.UntilALossIsCertain(first);

        var killed = MachineClock.Boottime;
        await first.KillEverything();
        var second = await load.UntilTakenOverFrom(first);
        bench.ShorterThan(ClusterBench.LongestTakeover, load.Writer.LongestOutageSince(killed));
        var lost = await load.Writer.MissingAt(GuestbookService.AddressOn(second));
        Assert.NotEmpty(lost);

        first.Start();
        first.StartRun(ClusterBench.Guestbook);
        await bench.Cluster.UntilComplete(Patience);
        await bench.Cluster.UntilService(ClusterBench.Guestbook, "has a divergent dump", Patience, service => service.Divergent > 0);
        var kept = await DivergentDump.ReadNewest(first);
        Assert.All(lost, row => Assert.Contains(row.Text, kept.Texts));

        // The ownership actor is where the owner is, for a while at least: the loss of both at once is the worst there is.
        await load.Writer.UntilAcknowledged(MachineClock.Boottime, Patience, bench.Cluster.Evidence);
        await second.KillEverything();
        Assert.Equal(first, await load.UntilTakenOverFrom(second));
        bench.Beats.NeverOverlapped(ClusterBench.Guestbook, runsAtLeast: 3);
    }

    [SkippableFact]
    public async Task The_loss_of_the_database_or_of_the_other_node_is_not_noticed()
    {
        var bench = await TwoNodes(JournalKind.PostgreSql);
        await using var cluster = bench.Cluster;
        var owner = await bench.Settle();
        await using var load = await bench.Load(owner);

        await bench.Cluster.Postgres.Stop();
        await load.StaysUntouchedFor(Away);
        await bench.Cluster.Postgres.Start();
        await bench.Cluster.UntilService(ClusterBench.Guestbook, "is owned", Patience, bench.IsRunning);
        var other = bench.Cluster.Except(owner).Single();
        await Eventually.True(
            "the owner's guard hears the database again",
            Patience,
            () => File.ReadAllText(Path.Combine(owner.LogDirectory, "guard.log")).Contains("Voter sql answers again", StringComparison.Ordinal),
            bench.Cluster.Evidence);

        await other.KillEverything();
        await load.StaysUntouchedFor(ClusterBench.Ttl * 5);
        bench.Beats.NeverOverlapped(ClusterBench.Guestbook, runsAtLeast: 1);
    }

    private static async Task<ClusterBench> TwoNodes(JournalKind journal)
    {
        Skip.If(journal == JournalKind.PostgreSql && PrivatePostgres.Missing is not null, PrivatePostgres.Missing);
        return await ClusterBench.With(journal, encrypted: false, nodes: 2);
    }
}
