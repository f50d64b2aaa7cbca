using System.Globalization;
using ClusterFs.Cluster.Tests.Bench;
using ClusterFs.Demo;
using ClusterFs.Demo.Layout;
using ClusterFs.Demo.Processes;
using ClusterFs.Demo.Status;
using ClusterFs.Posix;

namespace ClusterFs.Cluster.Tests;

/// <summary>Nodes come, go and are replaced as docs/operations.md says, while a service runs that is written to all the time.</summary>
public sealed class MembersTests
{
    private const int SignalHangUp = 1;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    [Fact]
    public async Task A_node_is_removed_and_its_vote_goes_to_the_database()
    {
        var bench = await ClusterBench.With(JournalKind.Sqlite, encrypted: true, nodes: 3);
        await using var cluster = bench.Cluster;
        var removed = await bench.Settle();
        await using var load = await bench.Load(removed);
        var began = MachineClock.Boottime;

        (await removed.Clusterfs(Patience, "node", "drain")).Successful();
        var owner = await load.UntilTakenOverFrom(removed);
        var other = cluster.Except(removed, owner).Single();
        await Stop(removed.Runs[ClusterBench.Guestbook]);
        await RestartDaemon(removed, startAgain: false);

        cluster.Configure([.. cluster.Except(removed)]);
        foreach (var node in (ClusterNode[])[other, owner])
        {
            await RestartDaemon(node);
            await cluster.UntilComplete(Patience);
        }

        // The lease is kept by the votes of old until it is another one: the removed node's guard is one of them.
        Assert.Equal([owner.Name, other.Name, "sql"], (await owner.Status()).Cluster.Voters.Order(StringComparer.Ordinal));
        await cluster.UntilService(
            ClusterBench.Guestbook, "says whose votes keep it", Patience, service => service.Placement.Any(note => note.Contains("n1, n2, n3", StringComparison.Ordinal)));
        await load.StaysUntouchedFor(ClusterBench.Ttl);
        await WaitsFor(other, owner);
        await Move(owner, other);
        Assert.Equal(other, await load.UntilTakenOverFrom(owner));
        var after = await UntilVotesAreThoseConfigured(bench);
        await WaitsFor(owner, other);
        await RestartGuard(owner);
        await WaitsFor(owner, other);
        (await other.Clusterfs(Patience, "node", "drain")).Successful();
        Assert.Equal(owner, await load.UntilTakenOverFrom(other));
        await RestartGuard(other);
        (await other.Clusterfs(Patience, "node", "undrain")).Successful();
        bench.ShorterThan(ClusterBench.LongestMove, load.Writer.LongestOutageSince(began));
        await Stop(removed.Guard!);
        Assert.Empty(removed.Processes());

        var untouchedFrom = MachineClock.Boottime;
        Assert.DoesNotContain(after.Standbys, standby => standby.Node == removed.Name);
        var findings = await owner.Clusterfs(Patience, "doctor");
        Assert.DoesNotContain(removed.Name, findings.Output, StringComparison.Ordinal);

        // With the database alone: two of the three votes.
        await UntilItVotes("sql", owner);
        await other.KillEverything();
        await load.StaysUntouchedFor(ClusterBench.Ttl * 4);
        await load.StayedUntouchedSince(untouchedFrom);
        await load.LostNothing(owner);
        bench.Beats.NeverOverlapped(ClusterBench.Guestbook, runsAtLeast: 3);
    }

    [Fact]
    public async Task A_third_node_is_added_and_votes()
    {
        var bench = await ClusterBench.With(JournalKind.Sqlite, encrypted: true, nodes: 3, members: 2);
        await using var cluster = bench.Cluster;
        var first = await bench.Settle();
        var second = cluster.Members.Except([first]).Single();
        var added = cluster.Node("n3");
        await using var load = await bench.Load(first);
        var began = MachineClock.Boottime;

        cluster.Configure([.. cluster.Nodes]);
        await RestartGuard(second);
        await WaitsFor(second, first);
        await load.StaysUntouchedFor(ClusterBench.Ttl);
        await load.StayedUntouchedSince(began);

        var moved = MachineClock.Boottime;
        (await first.Clusterfs(Patience, "node", "drain")).Successful();
        Assert.Equal(second, await load.UntilTakenOverFrom(first));
        await RestartGuard(first);
        (await first.Clusterfs(Patience, "node", "undrain")).Successful();
        Assert.Equal(["n1", "n2", "sql"], (await second.Status()).Cluster.Voters.Order(StringComparer.Ordinal));

        // Its guard alone, and before anything is granted by its vote: now all guards know one another.
        added.StartGuard();
        foreach (var node in (ClusterNode[])[first, second])
        {
            await RestartDaemon(node);
            await WaitsFor(first, second);
        }

        await Move(second, first);
        var owner = await load.UntilTakenOverFrom(second);
        bench.ShorterThan(ClusterBench.LongestMove, load.Writer.LongestOutageSince(moved));
        Assert.Equal(first, owner);
        await UntilVotesAreThoseConfigured(bench);
        Assert.Equal(["n1", "n2", "n3"], (await owner.Status()).Cluster.Voters);
        added.StartDaemon();
        added.StartRun(ClusterBench.Guestbook);
        await cluster.UntilComplete(Patience);

        await UntilItVotes(added.Name, owner);
        var lost = MachineClock.Boottime;
        await second.KillEverything();
        await load.StaysUntouchedFor(ClusterBench.Ttl * 4);
        await load.StayedUntouchedSince(lost);
        await load.LostNothing(owner);
        bench.Beats.NeverOverlapped(ClusterBench.Guestbook, runsAtLeast: 3);
    }

    [Fact]
    public async Task A_dead_node_is_replaced_by_an_empty_machine_of_its_name_and_the_new_one_votes()
    {
        var bench = await ClusterBench.With(JournalKind.Sqlite, encrypted: false, nodes: 3);
        await using var cluster = bench.Cluster;
        var owner = await bench.Settle();
        await using var load = await bench.Load(owner);
        var began = MachineClock.Boottime;
        var (dead, other) = (cluster.Except(owner).First(), cluster.Except(owner).Last());

        await dead.KillEverything();
        Directory.Delete(dead.StateDirectory, recursive: true);
        Directory.Delete(dead.LivePath(ClusterBench.Guestbook), recursive: true);
        Directory.CreateDirectory(dead.LivePath(ClusterBench.Guestbook));
        dead.Start();
        dead.StartRun(ClusterBench.Guestbook);
        await cluster.UntilComplete(Patience);
        await UntilItVotes(dead.Name, owner);

        await other.KillEverything();
        await load.StaysUntouchedFor(ClusterBench.Ttl * 4);
        await load.StayedUntouchedSince(began);
        bench.Beats.NeverOverlapped(ClusterBench.Guestbook, runsAtLeast: 1);
    }

    [Fact]
    public async Task With_a_voter_dead_another_guard_may_be_killed_and_restarted_and_costs_the_service_nothing()
    {
        var bench = await ClusterBench.With(JournalKind.Sqlite, encrypted: false, nodes: 3);
        await using var cluster = bench.Cluster;
        var owner = await bench.Settle();
        await using var load = await bench.Load(owner);
        var before = await cluster.UntilService(ClusterBench.Guestbook, "is owned", Patience, bench.IsRunning);
        var (dead, restarted) = (cluster.Except(owner).First(), cluster.Except(owner).Last());
        var began = MachineClock.Boottime;

        await dead.KillEverything();
        for (var time = 0; time < 3; time++)
        {
            restarted.Guard!.Signal(Processes.SignalKill);
            await restarted.Guard.UntilExit(Patience);
            restarted.StartGuard();
            await UntilItVotes(restarted.Name, owner);

            await RestartGuard(restarted);
            await UntilItVotes(restarted.Name, owner);
        }

        await load.StaysUntouchedFor(ClusterBench.Ttl);
        await load.StayedUntouchedSince(began);
        var after = await cluster.UntilService(ClusterBench.Guestbook, "is owned", Patience, bench.IsRunning);
        Assert.Equal((owner.Name, before.Epoch), (after.Owner, after.Epoch));
    }

    /// <summary>Until something waits for the service on a node whose guard is back.</summary>
    private static async Task WaitsFor(ClusterNode node, ClusterNode owner)
    {
        if (node.Runs[ClusterBench.Guestbook].HasExited)
        {
            node.StartRun(ClusterBench.Guestbook);
        }

        await Eventually.Get(
            $"{node.Name} is next",
            Patience,
            async () =>
            {
                var explained = await owner.Clusterfs("explain", ClusterBench.Guestbook, node.Name);
                return explained.Output.Contains($"{node.Name}  next", StringComparison.Ordinal) ? explained : null;
            },
            node.Cluster.Evidence);
    }

    private static async Task Move(ClusterNode from, ClusterNode to) =>
        (await from.Clusterfs(Patience, "move", ClusterBench.Guestbook, "--to", to.Name)).Successful();

    private static Task<ServiceStatus> UntilVotesAreThoseConfigured(ClusterBench bench) => bench.Cluster.UntilService(
        ClusterBench.Guestbook, "has nothing to say of votes", Patience, service => bench.IsRunning(service) && service.Placement.Count == 0);

    /// <summary>As <c>systemctl restart clusterfs</c>: services run on.</summary>
    private static async Task RestartDaemon(ClusterNode node, bool startAgain = true)
    {
        node.Daemon!.Signal(SignalHangUp);
        await node.Daemon.UntilExit(Patience);
        if (startAgain)
        {
            node.StartDaemon();
        }
    }

    /// <summary>As <c>systemctl restart clusterfs-guard</c>: its services are moved away first.</summary>
    private static async Task RestartGuard(ClusterNode node)
    {
        await Stop(node.Guard!);
        node.StartGuard();
    }

    private static async Task Stop(LaunchedProcess process)
    {
        process.Signal(Processes.SignalTerminate);
        await process.UntilExit(Patience);
    }

    /// <summary>Until the owner's guard has a new acknowledgement of a voter.</summary>
    private static async Task UntilItVotes(string voter, ClusterNode owner)
    {
        var before = await Acknowledged(voter, owner);
        await Eventually.Get(
            $"{voter} acknowledges what {owner.Name} holds",
            Patience,
            async () => await Acknowledged(voter, owner) is { } now && now > (before ?? 0) ? "it does" : null,
            owner.Cluster.Evidence);
    }

    /// <returns>Null while the owner's daemon or guard says nothing.</returns>
    private static async Task<double?> Acknowledged(string voter, ClusterNode owner)
    {
        try
        {
            var figures = await Scrape.Of(owner.Cluster, owner);
            var line = figures.Split('\n').FirstOrDefault(line =>
                line.StartsWith("clusterfs_guard_renewals_total{", StringComparison.Ordinal)
                && line.Contains($"voter=\"{voter}\"", StringComparison.Ordinal)
                && line.Contains("outcome=\"acked\"", StringComparison.Ordinal));
            return line is null ? null : double.Parse(line.Split(' ')[^1], CultureInfo.InvariantCulture);
        }
        catch (HttpRequestException)
        {
            return null;
        }
    }
}
