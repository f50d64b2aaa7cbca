using ClusterFs.Guard.Execution;
using ClusterFs.Guard.Protocol;
using ClusterFs.Lease;
using ClusterFs.Posix;

namespace ClusterFs.Guard.Tests.Processes;

/// <summary>Real guards and services with <c>on-lost = freeze</c>, in control groups of the kernel.</summary>
public sealed class FrozenServiceTests : IAsyncLifetime
{
    /// <summary>Writes without end and hears no SIGTERM; a child of its own does the same in another session.</summary>
    private const string Writer =
        "trap '' TERM; setsid sh -c 'trap \"\" TERM; echo $$ > \"$0/far\"; while :; do echo x >> \"$0/far-log\"; sleep 0.01; done' \"$0\" & "
        + "echo $$ > \"$0/pid\"; while :; do echo x >> \"$0/log\"; sleep 0.01; done";

    /// <summary>A third of the stop budget has to be enough to freeze a service, on a busy machine too.</summary>
    private static readonly LeaseTimings Timings = new(TimeSpan.FromSeconds(6), TimeSpan.FromMilliseconds(2400));

    private LoopbackCluster? _cluster;
    private TestDaemon _daemon = null!;
    private CommandProcess _run = null!;
    private ProcessIdentity _service;
    private ProcessIdentity _far;

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        if (_cluster is not null)
        {
            await _cluster.DisposeAsync();
        }
    }

    [SkippableFact]
    public async Task A_service_whose_lease_is_lost_is_frozen_before_the_deadline_and_killed_unthawed_when_the_daemon_says_so()
    {
        await FreezeAsync();
        var (log, far) = (LengthOf("log"), LengthOf("far-log"));
        var since = GuardClock.Now;
        _ = await Eventually.Is(() => GuardClock.Now.ShortestSince(since) > Timings.Ttl, "a TTL more");
        Assert.True(LoopbackCluster.IsAlive(_service) && LoopbackCluster.IsAlive(_far), "what is frozen can be looked at");
        Assert.Equal((Phase.Stopping, 0L), (_daemon.Report.Phase, _daemon.Report.ClosedEpoch));

        await _daemon.DrainAsync(1);
        await _daemon.UntilAsync(report => report is { Phase: Phase.Closed, ClosedEpoch: 1, Frozen: false }, "the epoch's end");

        AssertDeadAndSilent(log, far);
        Assert.False(_run.HasExited);
    }

    [SkippableFact]
    public async Task What_is_frozen_is_killed_when_the_process_beside_it_is_told_to_stop()
    {
        await FreezeAsync();
        var (log, far) = (LengthOf("log"), LengthOf("far-log"));

        _run.Signal(Posix.Processes.SignalTerminate);

        Assert.Equal(0, await _run.ExitAsync());
        AssertDeadAndSilent(log, far);
    }

    [SkippableFact]
    public async Task What_is_frozen_is_killed_by_the_next_guard_when_guard_and_process_beside_it_are_killed()
    {
        await FreezeAsync();
        var (log, far) = (LengthOf("log"), LengthOf("far-log"));
        _run.Signal(Posix.Processes.SignalStop);
        await _cluster!.Guards["n1"].KillAsync();
        Assert.True(LoopbackCluster.IsAlive(_service));

        _ = _cluster.StartGuard("n1");
        _ = await _cluster.ProbeAsync("n1");

        AssertDeadAndSilent(log, far);
    }

    [SkippableTheory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_somebody_thaws_is_killed_by_either_executioner_when_the_other_one_stands_still(bool guardStands)
    {
        await FreezeAsync();
        (guardStands ? _cluster!.Guards["n1"] : _run).Signal(Posix.Processes.SignalStop);

        var group = File.ReadLines($"/proc/{_service.Id}/cgroup").Single(line => line.StartsWith("0::", StringComparison.Ordinal));
        File.WriteAllText(Path.Combine(ControlGroup.OwnDirectory()!, Path.GetFileName(group), "cgroup.freeze"), "0");

        _ = await Eventually.Is(
            () => !LoopbackCluster.IsAlive(_service) && !LoopbackCluster.IsAlive(_far), "the end of what was thawed", () => _run.Messages);
    }

    [SkippableFact]
    public async Task A_planned_stop_kills_what_does_not_end()
    {
        await StartAsync();

        await _daemon.DrainAsync(1);
        await _daemon.UntilAsync(report => report is { Phase: Phase.Drained }, "the last dump's turn");

        Assert.False(LoopbackCluster.IsAlive(_service) || LoopbackCluster.IsAlive(_far));
    }

    private static bool IsWritable(string? directory)
    {
        try
        {
            ControlGroup.TryFreezing($"clusterfs-test-{Environment.ProcessId}");
            return directory is not null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private async Task StartAsync()
    {
        Skip.IfNot(IsWritable(ControlGroup.OwnDirectory()), "needs root and cgroup v2");
        _cluster = await LoopbackCluster.StartAsync("on-lost = freeze", Timings);
        _daemon = _cluster.Supervise("n1");
        _run = _cluster.Run("n1", Writer);
        await _daemon.UntilAsync(report => report.Wanted, "the attachment");
        await _daemon.StartAsync(1);
        _service = await _cluster.StartedAsync("pid", () => _run.Messages);
        _far = await _cluster.StartedAsync("far", () => _run.Messages);
    }

    private async Task FreezeAsync()
    {
        await StartAsync();
        await _cluster!.Guards["n2"].KillAsync();
        await _cluster.Guards["n3"].KillAsync();
        var last = GuardClock.Now;
        var frozen = await Eventually.Is(() => _daemon.Report.Frozen, "the freeze", () => _cluster.Guards["n1"].Messages);
        Assert.InRange(frozen.LongestSince(last), TimeSpan.Zero, Timings.Ttl);
        _ = await Eventually.Is(() => _run.Messages.Contains("is frozen", StringComparison.Ordinal), "the second executioner's word");
    }

    private long LengthOf(string file) => new FileInfo(_cluster!.InDirectory(file)).Length;

    private void AssertDeadAndSilent(long log, long far)
    {
        Assert.False(LoopbackCluster.IsAlive(_service) || LoopbackCluster.IsAlive(_far));
        Assert.Equal((log, far), (LengthOf("log"), LengthOf("far-log")));
    }
}
