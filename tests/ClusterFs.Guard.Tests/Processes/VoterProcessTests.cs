using ClusterFs.Lease;
using ClusterFs.Lease.Voter;
using static ClusterFs.Posix.Processes;

namespace ClusterFs.Guard.Tests.Processes;

public sealed class VoterProcessTests
{
    [Fact]
    public async Task A_voter_without_state_abstains_and_joins_only_after_a_whole_TTL()
    {
        var before = GuardClock.Now;
        await using var cluster = await LoopbackCluster.StartWithoutJoiningAsync("n1");
        var answer = await cluster.ProbeAsync("n1");
        Assert.True(answer.Abstains);

        await cluster.JoinAsync("n1");

        Assert.True(GuardClock.Now.ShortestSince(before) >= LoopbackCluster.Ttl);
        Assert.False((await cluster.ProbeAsync("n1")).Abstains);
    }

    [Fact]
    public async Task A_restarted_voter_keeps_its_floor_and_waits_out_the_promises_that_it_forgot()
    {
        await using var cluster = await LoopbackCluster.StartWithoutJoiningAsync("n1");
        await cluster.JoinAsync("n1");
        var raised = await FenceAsync(cluster, 3);
        Assert.Equal(FenceOutcome.Raised, raised.Outcome);

        cluster.Guards["n1"].Signal(SignalKill);
        _ = await cluster.Guards["n1"].ExitAsync();
        var restarted = GuardClock.Now;
        cluster.StartGuard("n1");
        var answer = await cluster.ProbeAsync("n1");

        Assert.Equal(new Binding(3, null), answer.Floor);
        Assert.Equal(FenceOutcome.BelowFloor, (await FenceAsync(cluster, 2)).Outcome);
        if (answer.Remaining > TimeSpan.Zero)
        {
            Assert.Equal(FenceOutcome.Promised, (await FenceAsync(cluster, 4)).Outcome);
        }

        _ = await Eventually.Is(async () => (await FenceAsync(cluster, 4)).Outcome == FenceOutcome.Raised, "the end of the wait");
        Assert.True(GuardClock.Now.ShortestSince(restarted) >= LoopbackCluster.Ttl);
    }

    [Fact]
    public async Task A_second_guard_on_the_same_state_is_refused_and_the_first_goes_on()
    {
        await using var cluster = await LoopbackCluster.StartWithoutJoiningAsync("n1");

        var second = cluster.Start("guard", "--config", cluster.ConfigOf("n1"));

        Assert.Equal(1, await second.ExitAsync());
        Assert.Contains("another guard is running", second.Messages, StringComparison.Ordinal);
        _ = await cluster.ProbeAsync("n1");
    }

    [Fact]
    public async Task A_damaged_voter_state_is_not_taken_for_a_new_disk()
    {
        await using var cluster = await LoopbackCluster.StartWithoutJoiningAsync("n1");
        await cluster.Guards["n1"].KillAsync();
        await File.WriteAllTextAsync(Path.Combine(cluster.StateOf("n1"), "voter.json"), "{");

        var guard = cluster.StartGuard("n1");

        Assert.Equal(1, await guard.ExitAsync());
        Assert.Contains("voter.json is damaged", guard.Messages, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_guard_that_is_told_to_end_ends_with_0()
    {
        await using var cluster = await LoopbackCluster.StartWithoutJoiningAsync("n1");

        cluster.Guards["n1"].Signal(SignalTerminate);

        Assert.Equal(0, await cluster.Guards["n1"].ExitAsync());
    }

    private static Task<FenceReply> FenceAsync(LoopbackCluster cluster, long epoch) => cluster.Voters.FenceAsync(
        "n1", new Fence(LoopbackCluster.Service, epoch, OverPromises: false, Guid.NewGuid()), TimeSpan.FromSeconds(5), default);
}
