using ClusterFs.Guard.Protocol;
using static ClusterFs.Posix.Processes;

namespace ClusterFs.Guard.Tests.Processes;

/// <summary>Services that someone else starts: <c>hold</c>, <c>acquire</c>, <c>release</c>.</summary>
public sealed class HeldServiceTests : IAsyncLifetime
{
    private LoopbackCluster _cluster = null!;
    private TestDaemon _daemon = null!;

    public async Task InitializeAsync()
    {
        _cluster = await LoopbackCluster.StartAsync();
        _daemon = _cluster.Supervise("n1");
    }

    public async Task DisposeAsync() => await _cluster.DisposeAsync();

    [Fact]
    public async Task Hold_says_ready_when_the_service_may_start_and_ends_with_0_after_the_last_dump()
    {
        var hold = _cluster.Start("hold", LoopbackCluster.Service, "--config", _cluster.ConfigOf("n1"));
        await HoldAsync(1);
        _ = await Eventually.Is(() => hold.Messages.Contains("ready as epoch 1", StringComparison.Ordinal), "ready", () => hold.Messages);

        hold.Signal(SignalTerminate);
        await _daemon.UntilAsync(report => report is { Phase: Phase.Drained, Wanted: false }, "the last dump's turn");
        Assert.False(hold.HasExited);
        await _daemon.CloseAsync(1);

        Assert.Equal(0, await hold.ExitAsync());
    }

    [Fact]
    public async Task Hold_ends_before_the_deadline_when_the_lease_runs_out()
    {
        var hold = _cluster.Start("hold", LoopbackCluster.Service, "--config", _cluster.ConfigOf("n1"));
        await HoldAsync(1);

        await _cluster.Guards["n2"].KillAsync();
        await _cluster.Guards["n3"].KillAsync();
        var last = GuardClock.Now;
        var ended = await Eventually.Is(() => hold.HasExited, "the end of the hold", () => hold.Messages);

        // By itself, or killed by the guard where it did not get to it in time.
        Assert.InRange(ended.LongestSince(last), TimeSpan.Zero, LoopbackCluster.Ttl);
        Assert.Contains(await hold.ExitAsync(), new[] { 3, 137 });
        await _daemon.UntilAsync(report => report is { Phase: Phase.Closed, ClosedEpoch: 1 }, "the epoch's end");
    }

    [Fact]
    public async Task A_hold_that_waits_outlives_a_grant_that_no_majority_confirms()
    {
        var hold = _cluster.Start("hold", LoopbackCluster.Service, "--config", _cluster.ConfigOf("n1"));
        await _daemon.UntilAsync(report => report is { Wanted: true, AttachedMode: AttachMode.Hold }, "the attachment");
        await _cluster.Guards["n2"].KillAsync();
        await _cluster.Guards["n3"].KillAsync();

        await _daemon.GrantAsync(1);
        await _daemon.UntilAsync(report => report is { Phase: Phase.Closed, ClosedEpoch: 1 }, "the epoch's end");

        Assert.False(hold.HasExited, hold.Messages);
        Assert.True(_daemon.Report.Wanted);
    }

    [Fact]
    public async Task Acquire_ends_when_the_service_may_start_and_release_when_its_epoch_is_closed()
    {
        var acquire = _cluster.Start("acquire", LoopbackCluster.Service, "--config", _cluster.ConfigOf("n1"));
        await HoldAsync(1);
        Assert.Equal(0, await acquire.ExitAsync());

        var release = _cluster.Start("release", LoopbackCluster.Service, "--config", _cluster.ConfigOf("n1"));
        await _daemon.UntilAsync(report => report is { Phase: Phase.Drained }, "the last dump's turn");
        Assert.False(release.HasExited);
        await _daemon.CloseAsync(1);

        Assert.Equal(0, await release.ExitAsync());
        await _daemon.UntilAsync(report => report.AttachedProcess == 0, "the end of the hold");
    }

    [Fact]
    public async Task Acquire_gives_up_in_time_and_leaves_nothing_behind()
    {
        var acquire = _cluster.Start("acquire", LoopbackCluster.Service, "--timeout", "1s", "--config", _cluster.ConfigOf("n1"));

        Assert.Equal(5, await acquire.ExitAsync());
        await _daemon.UntilAsync(report => !report.Wanted && report.AttachedProcess == 0, "the end of the hold");
    }

    private async Task HoldAsync(long epoch)
    {
        await _daemon.UntilAsync(report => report is { Wanted: true, AttachedMode: AttachMode.Hold }, "the attachment");
        await _daemon.GrantAsync(epoch);
        await _daemon.PrepareAsync(epoch);
        await _daemon.UntilAsync(report => report.Phase == Phase.Running, "the lease");
    }
}
