using ClusterFs.Cluster.Tests.Bench;
using ClusterFs.Demo;
using ClusterFs.Demo.Processes;
using ClusterFs.Posix;

namespace ClusterFs.Cluster.Tests;

[Collection(OneCluster.Name)]
public sealed class MoveTests(ClusterBench bench)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

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

    [Fact]
    public async Task A_move_right_after_another_is_done_although_who_decides_has_just_changed_its_node()
    {
        var owner = await bench.Settle();
        for (var i = 0; i < 4; i++)
        {
            var target = bench.Cluster.Except(owner).ElementAt(i % 2);
            (await owner.Clusterfs("move", ClusterBench.Guestbook, "--to", target.Name)).Successful();
            owner = target;
        }

        Assert.Equal(owner, await bench.Settle());
    }

    [Fact]
    public async Task A_move_whose_owner_is_lost_before_it_hands_over_is_no_success()
    {
        var owner = await bench.Settle();
        var target = bench.Cluster.Except(owner).First();
        Task<CommandResult>? moving = null;
        try
        {
            for (var attempt = 0; attempt < 5 && (moving = await TryBeginUnheard(owner, target)) is null; attempt++)
            {
                owner = await bench.Settle();
                target = bench.Cluster.Except(owner).First();
            }

            Assert.NotNull(moving);
        }
        finally
        {
            await owner.KillEverything();
        }

        var result = await moving;
        Assert.NotEqual(0, result.ExitCode);
        Assert.Contains($"{owner.Name} was lost before it had handed over", result.Error, StringComparison.Ordinal);
        Assert.Equal(target, await bench.Settle());
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

    /// <summary>Stops the daemon of the owner, so that it cannot hear that it is to hand over, and has a move begun.</summary>
    /// <returns>
    /// Null where the command took longer to ask than what the daemon said last counts, three seconds, or than its lease lasts, and was refused, rightly. The daemon
    /// goes on then.
    /// </returns>
    private async Task<Task<CommandResult>?> TryBeginUnheard(ClusterNode owner, ClusterNode target)
    {
        var decides = await bench.DecidesOffTheOwner(owner);
        var begun = $"{ClusterBench.Guestbook}: moving from {owner.Name} to {target.Name}";
        var before = Said(decides, begun);
        owner.Daemon!.Signal(Processes.SignalStop);
        var moving = target.Clusterfs(Patience * 2, "move", ClusterBench.Guestbook, "--to", target.Name);
        await Eventually.True(
            "the move is begun or refused", Patience, () => Said(decides, begun) > before || moving.IsCompleted, bench.Cluster.Evidence);
        if (Said(decides, begun) > before)
        {
            return moving;
        }

        Assert.NotEqual(0, (await moving).ExitCode);
        owner.Daemon!.Signal(Processes.SignalContinue);
        return null;
    }

    /// <summary>How often a node's daemon has said something: its log is older than a test.</summary>
    private static int Said(ClusterNode node, string what) =>
        File.ReadLines(Path.Combine(node.LogDirectory, "daemon.log")).Count(line => line.Contains(what, StringComparison.Ordinal));
}
