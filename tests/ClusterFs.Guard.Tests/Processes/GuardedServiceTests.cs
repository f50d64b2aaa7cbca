using ClusterFs.Guard.Protocol;
using ClusterFs.Lease;
using ClusterFs.Lease.Voter;
using static ClusterFs.Posix.Processes;

namespace ClusterFs.Guard.Tests.Processes;

/// <summary>Real guards, a real <c>clusterfs run</c>, real services; what is still alive, and when, is measured on the machine's clocks.</summary>
public sealed class GuardedServiceTests : IAsyncLifetime
{
    private const string Plain = "echo $$ > \"$0/pid\"; exec sleep 1000";

    private LoopbackCluster _cluster = null!;
    private TestDaemon _daemon = null!;

    public async Task InitializeAsync()
    {
        _cluster = await LoopbackCluster.StartAsync();
        _daemon = _cluster.Supervise("n1");
    }

    public async Task DisposeAsync() => await _cluster.DisposeAsync();

    [Fact]
    public async Task A_service_is_dead_before_the_deadline_when_the_majority_of_voters_is_gone()
    {
        var run = await RunAsync(Plain);
        var service = await _cluster.StartedAsync("pid", () => run.Messages);

        var last = await KillOthersAsync();
        var alive = await Eventually.LastBefore(() => !LoopbackCluster.IsAlive(service), "death of the service", () => _cluster.Guards["n1"].Messages);

        Assert.InRange(alive.LongestSince(last), TimeSpan.Zero, LoopbackCluster.Ttl);
        await _daemon.UntilAsync(report => report is { Phase: Phase.Closed, ClosedEpoch: 1, Wanted: true }, "the epoch's end");
        Assert.False(run.HasExited);
    }

    [Fact]
    public async Task An_owner_that_goes_on_under_the_epoch_that_one_voter_was_fenced_for_can_lose_another_voter()
    {
        var run = await RunAsync(Plain);
        var service = await _cluster.StartedAsync("pid", () => run.Messages);
        var fence = new Fence(LoopbackCluster.Service, 2, OverPromises: true, Guid.NewGuid());
        Assert.Equal(FenceOutcome.Raised, (await _cluster.Voters.FenceAsync("n3", fence, TimeSpan.FromSeconds(5), default)).Outcome);

        await _daemon.ContinueAsync(tenure: 1, epoch: 2);
        await _daemon.UntilAsync(report => report is { Epoch: 2, Tenure: 1, Phase: Phase.Running, ClosedEpoch: 0 }, "epoch 2 in place");
        _ = await Eventually.Is(async () => (await _cluster.ProbeAsync("n3")).Floor == new Binding(2, "n1"), "n3 acknowledging epoch 2");
        await _cluster.Guards["n2"].KillAsync();
        var killed = GuardClock.Now;

        _ = await Eventually.Is(() => GuardClock.Now.ShortestSince(killed) > LoopbackCluster.Ttl, "the end of all that n2 had promised");
        Assert.True(LoopbackCluster.IsAlive(service), _cluster.Guards["n1"].Messages);

        await _daemon.DrainAsync(1);
        await _daemon.UntilAsync(report => report.Phase == Phase.Drained, "the service's end");
        await _daemon.CloseAsync(1);
        await _daemon.UntilAsync(report => report is { Phase: Phase.Closed, ClosedEpoch: 2 }, "the end of both epochs");
        Assert.False(LoopbackCluster.IsAlive(service));
    }

    [Fact]
    public async Task A_service_that_ignores_SIGTERM_is_killed_before_the_deadline()
    {
        var run = await RunAsync("trap '' TERM; echo $$ > \"$0/pid\"; while :; do sleep 1; done");
        var service = await _cluster.StartedAsync("pid", () => run.Messages);

        var last = await KillOthersAsync();
        var alive = await Eventually.LastBefore(() => !LoopbackCluster.IsAlive(service), "death of the service");

        Assert.InRange(alive.LongestSince(last), TimeSpan.Zero, LoopbackCluster.Ttl);
    }

    [Fact]
    public async Task A_stopped_service_is_killed_before_the_deadline()
    {
        var run = await RunAsync("trap '' TERM; echo $$ > \"$0/pid\"; while :; do sleep 1; done");
        var service = await _cluster.StartedAsync("pid", () => run.Messages);
        _ = Signal(service.Id, SignalStop);

        var last = await KillOthersAsync();
        var alive = await Eventually.LastBefore(() => !LoopbackCluster.IsAlive(service), "death of the service");

        Assert.InRange(alive.LongestSince(last), TimeSpan.Zero, LoopbackCluster.Ttl);
    }

    [Fact]
    public async Task A_service_that_forks_away_is_killed_whole()
    {
        var run = await RunAsync(
            "setsid sh -c 'trap \"\" TERM; echo $$ > \"$0/far\"; while :; do sleep 1; done' \"$0\" & echo $$ > \"$0/pid\"; exec sleep 1000");
        var service = await _cluster.StartedAsync("pid", () => run.Messages);
        var far = await _cluster.StartedAsync("far", () => run.Messages);

        var last = await KillOthersAsync();
        var alive = await Eventually.LastBefore(() => !LoopbackCluster.IsAlive(service) && !LoopbackCluster.IsAlive(far), "death of both");

        Assert.InRange(alive.LongestSince(last), TimeSpan.Zero, LoopbackCluster.Ttl);
    }

    [Fact]
    public async Task A_killed_guard_takes_its_service_with_it_and_another_guard_never_uses_the_epoch_again()
    {
        var run = await RunAsync(Plain);
        var service = await _cluster.StartedAsync("pid", () => run.Messages);

        await _cluster.Guards["n1"].KillAsync();
        var gone = GuardClock.Now;
        var alive = await Eventually.LastBefore(() => !LoopbackCluster.IsAlive(service), "death of the service", () => run.Messages);

        Assert.InRange(alive.LongestSince(gone), TimeSpan.Zero, LoopbackCluster.StopBudget);
        _cluster.StartGuard("n1");
        await _daemon.UntilAsync(report => report is { ClosedEpoch: 1, Wanted: true, Phase: Phase.None }, "the new guard closing the epoch");

        await _daemon.GrantAsync(1);
        File.Delete(_cluster.InDirectory("pid"));
        await _daemon.StartAsync(2);
        _ = await _cluster.StartedAsync("pid", () => run.Messages);
        Assert.Equal(1, _daemon.Report.ClosedEpoch);
    }

    [Fact]
    public async Task A_stopped_guard_cannot_keep_its_service_alive_and_does_not_revive_it()
    {
        var run = await RunAsync(Plain);
        var service = await _cluster.StartedAsync("pid", () => run.Messages);

        _cluster.Guards["n1"].Signal(SignalStop);
        var last = GuardClock.Now;
        var alive = await Eventually.LastBefore(() => !LoopbackCluster.IsAlive(service), "death of the service", () => run.Messages);

        Assert.InRange(alive.LongestSince(last), TimeSpan.Zero, LoopbackCluster.Ttl);
        File.Delete(_cluster.InDirectory("pid"));
        _cluster.Guards["n1"].Signal(SignalContinue);
        await _daemon.UntilAsync(report => report is { Phase: Phase.Closed, ClosedEpoch: 1 }, "the epoch's end");

        await _daemon.StartAsync(2);
        _ = await _cluster.StartedAsync("pid", () => run.Messages);
    }

    [Fact]
    public async Task When_the_process_beside_it_is_killed_the_service_dies_whole_and_at_once()
    {
        var run = await RunAsync(
            "setsid sh -c 'trap \"\" TERM; echo $$ > \"$0/far\"; while :; do sleep 1; done' \"$0\" & echo $$ > \"$0/pid\"; exec sleep 1000");
        var service = await _cluster.StartedAsync("pid", () => run.Messages);
        var far = await _cluster.StartedAsync("far", () => run.Messages);

        await run.KillAsync();
        _ = await Eventually.Is(
            () => !LoopbackCluster.IsAlive(service) && !LoopbackCluster.IsAlive(far), "death of both", () => _cluster.Guards["n1"].Messages);

        await _daemon.UntilAsync(report => report is { Phase: Phase.Drained, Wanted: false }, "the wait for the last dump");
        await _daemon.CloseAsync(1);
        await _daemon.UntilAsync(report => report is { Phase: Phase.Closed }, "the epoch's end");
    }

    [Fact]
    public async Task A_planned_stop_keeps_the_lease_until_the_last_dump_and_ends_with_0()
    {
        var run = await RunAsync("trap 'echo bye > \"$0/bye\"; exit 7' TERM; echo $$ > \"$0/pid\"; while :; do sleep 0.05; done");
        var service = await _cluster.StartedAsync("pid", () => run.Messages);

        run.Signal(SignalTerminate);
        await _daemon.UntilAsync(report => report is { Phase: Phase.Drained, Wanted: false, LeaseRemainingMs: > 0 }, "the last dump's turn");
        Assert.False(LoopbackCluster.IsAlive(service));
        Assert.True(File.Exists(_cluster.InDirectory("bye")));
        Assert.False(run.HasExited);

        await _daemon.CloseAsync(1);
        Assert.Equal(0, await run.ExitAsync());
    }

    [Fact]
    public async Task A_service_moved_away_leaves_its_node_a_candidate()
    {
        var run = await RunAsync(Plain);
        var service = await _cluster.StartedAsync("pid", () => run.Messages);

        await _daemon.DrainAsync(1);
        await _daemon.UntilAsync(report => report is { Phase: Phase.Drained }, "the last dump's turn");
        Assert.False(LoopbackCluster.IsAlive(service));
        await _daemon.CloseAsync(1);
        await _daemon.UntilAsync(report => report is { Phase: Phase.Closed, Wanted: true }, "the epoch's end");
        Assert.False(run.HasExited);

        await _daemon.StartAsync(2);
    }

    [Fact]
    public async Task A_program_that_ends_by_itself_ends_the_epoch_and_gives_its_code()
    {
        var run = Run("exit 42");
        await _daemon.UntilAsync(report => report.Wanted, "the attachment");
        await _daemon.GrantAsync(1);
        await _daemon.PrepareAsync(1);
        await _daemon.UntilAsync(report => report is { Phase: Phase.Drained, Wanted: false, HasExitCode: true }, "the end");
        await _daemon.CloseAsync(1);

        Assert.Equal(42, await run.ExitAsync());
    }

    [Fact]
    public async Task A_program_that_is_not_there_gives_127_and_says_so()
    {
        var run = _cluster.Start("run", LoopbackCluster.Service, "--config", _cluster.ConfigOf("n1"), "--", "/no/such/program");
        await _daemon.UntilAsync(report => report.Wanted, "the attachment");
        await _daemon.GrantAsync(1);
        await _daemon.PrepareAsync(1);
        await _daemon.UntilAsync(report => report is { Phase: Phase.Drained }, "the end");
        await _daemon.CloseAsync(1);

        Assert.Equal(127, await run.ExitAsync());
        Assert.Contains("/no/such/program", run.Messages, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nothing_starts_before_the_content_is_prepared_and_only_one_process_attaches()
    {
        var run = Run(Plain);
        await _daemon.UntilAsync(report => report.Wanted, "the attachment");
        await _daemon.GrantAsync(1);
        await _daemon.UntilAsync(report => report is { Phase: Phase.Held }, "the lease");

        var second = Run(Plain);
        Assert.Equal(3, await second.ExitAsync());
        Assert.False(File.Exists(_cluster.InDirectory("pid")));

        await _daemon.PrepareAsync(1);
        _ = await _cluster.StartedAsync("pid", () => run.Messages);
    }

    [Fact]
    public async Task A_guard_told_to_end_without_a_daemon_stops_its_service_closes_the_epoch_and_ends_with_0()
    {
        var run = await RunAsync(Plain);
        var service = await _cluster.StartedAsync("pid", () => run.Messages);
        await _daemon.DisposeAsync();

        var guard = _cluster.Guards["n1"];
        guard.Signal(SignalTerminate);

        Assert.Equal(0, await guard.ExitAsync());
        Assert.False(LoopbackCluster.IsAlive(service));
        Assert.Contains("WITHOUT a last dump", guard.Messages, StringComparison.Ordinal);

        // Released: nobody waits for a promise that no longer binds.
        Assert.Equal(TimeSpan.Zero, (await _cluster.ProbeAsync("n2")).Remaining);
        Assert.False(run.HasExited);
    }

    [Fact]
    public async Task A_guard_told_to_end_wants_nothing_any_more_and_says_that_the_epoch_is_closed_before_its_daemon_s_stream_ends()
    {
        var run = await RunAsync(Plain);
        var service = await _cluster.StartedAsync("pid", () => run.Messages);

        var guard = _cluster.Guards["n1"];
        guard.Signal(SignalTerminate);
        await _daemon.UntilAsync(report => report is { Phase: Phase.Drained, Wanted: false, ClosedEpoch: 0 }, "the last dump's turn");
        Assert.False(LoopbackCluster.IsAlive(service));
        Assert.False(guard.HasExited);

        await _daemon.CloseAsync(1);
        Assert.Equal(0, await guard.ExitAsync());
        _ = await Eventually.Is(() => !_daemon.IsConnected, "the end of the stream");
        Assert.Equal((Phase.Closed, false, 1), (_daemon.Report.Phase, _daemon.Report.Wanted, _daemon.Report.ClosedEpoch));
    }

    [Fact]
    public async Task A_service_that_was_stopped_has_not_ended_by_itself_however_late_the_process_beside_it_says_so()
    {
        var run = await RunAsync("trap 'exit 7' TERM; echo $$ > \"$0/pid\"; while :; do sleep 0.05; done");
        _ = await _cluster.StartedAsync("pid", () => run.Messages);

        run.Signal(SignalStop);
        await _daemon.DrainAsync(1);
        await _daemon.UntilAsync(report => report is { Phase: Phase.Drained }, "the last dump's turn");
        run.Signal(SignalContinue);
        _ = await Eventually.Is(() => run.Messages.Contains("waiting for the last dump", StringComparison.Ordinal), "its word", () => run.Messages);
        run.Signal(SignalTerminate);
        await _daemon.UntilAsync(report => report is { Wanted: false }, "the wish to stop");

        await _daemon.CloseAsync(1);
        Assert.Equal(0, await run.ExitAsync());
    }

    [Fact]
    public async Task A_daemon_that_is_gone_changes_nothing_for_the_service_and_finds_it_when_it_is_back()
    {
        var run = await RunAsync(Plain);
        var service = await _cluster.StartedAsync("pid", () => run.Messages);
        await _daemon.DisposeAsync();

        var gone = GuardClock.Now;
        _ = await Eventually.Is(() => GuardClock.Now.ShortestSince(gone) > LoopbackCluster.Ttl, "more than a TTL");
        Assert.True(LoopbackCluster.IsAlive(service));

        var next = _cluster.Supervise("n1");
        await next.UntilAsync(report => report is { Phase: Phase.Running, Epoch: 1, LeaseRemainingMs: > 0 }, "the same epoch");
        Assert.Equal(service.Id, next.Report.Process);
    }

    private async Task<CommandProcess> RunAsync(string script)
    {
        var run = Run(script);
        await _daemon.UntilAsync(report => report.Wanted, "the attachment");
        await _daemon.StartAsync(1);
        return run;
    }

    private CommandProcess Run(string script) => _cluster.Run("n1", script);

    /// <summary>No renewal was acknowledged that began after this.</summary>
    private async Task<Instant> KillOthersAsync()
    {
        await _cluster.Guards["n2"].KillAsync();
        await _cluster.Guards["n3"].KillAsync();
        return GuardClock.Now;
    }
}
