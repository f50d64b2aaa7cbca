using System.Diagnostics;
using ClusterFs.Guard.Execution;
using ClusterFs.Guard.Protocol;
using ClusterFs.Lease;

namespace ClusterFs.Guard.Tests.Processes;

/// <summary>
/// A real guard with <c>on-lost = reboot</c>, which together with its service is in a user and a PID namespace of its own: there reboot(2)
/// ends that namespace with SIGHUP, and the namespace's root has no right to reboot the machine.
/// </summary>
public sealed class RebootTests : IAsyncLifetime
{
    private const int SignalHangUp = 1;

    /// <summary>Goes on only as the first process of a PID namespace, and within another user namespace than the test's.</summary>
    private const string Inside =
        "[ $$ = 1 ] && [ \"$(readlink /proc/self/ns/user)\" != \"$1\" ] || exit 99; "
        + "\"$2\" guard --config \"$3\" & \"$2\" run web --config \"$3\" -- /bin/sh -c \"$5\" \"$4\" & wait";

    private static readonly string[] Apart = ["--user", "--map-root-user", "--pid", "--fork", "--mount-proc", "--kill-child"];

    private static readonly LeaseTimings Timings = new(TimeSpan.FromSeconds(6), TimeSpan.FromMilliseconds(2400));

    private LoopbackCluster _cluster = null!;
    private TestDaemon _daemon = null!;
    private CommandProcess _inside = null!;
    private bool _isMounted;

    private string Disk => _cluster.InDirectory("disk");

    public Task InitializeAsync()
    {
        _cluster = LoopbackCluster.Prepare("on-lost = reboot", Timings);
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        if (_isMounted)
        {
            _ = await RunAsync("fsfreeze", "--unfreeze", Disk);
            _ = await RunAsync("umount", Disk);
        }

        await _cluster.DisposeAsync();
    }

    [SkippableFact]
    public async Task A_node_whose_service_survives_SIGKILL_is_rebooted_before_the_deadline()
    {
        await MountFrozenAsync();
        await StartAsync("exec dd if=/dev/zero of=\"$0/disk/file\" bs=1 count=1");
        _ = await Eventually.Is(IsStuck, "a process stuck in the kernel", () => _inside.Messages);

        var last = await LoseMajorityAsync();
        var gone = await Eventually.Is(() => !_daemon.IsConnected, "the end of the guard", () => _inside.Messages);

        Assert.InRange(gone.LongestSince(last), TimeSpan.Zero, Timings.Ttl);
        Assert.True(IsStuck());
        Assert.Equal(0, await RunAsync("fsfreeze", "--unfreeze", Disk));
        Assert.Equal(128 + SignalHangUp, await _inside.ExitAsync());
        Assert.Contains("this node is rebooted in", _inside.Messages, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task A_node_whose_service_SIGKILL_ends_is_left_alone()
    {
        await StartAsync("trap '' TERM; while :; do sleep 0.1; done");

        var last = await LoseMajorityAsync();
        await _daemon.UntilAsync(report => report is { Phase: Phase.Closed, ClosedEpoch: 1 }, "the epoch's end");
        _ = await Eventually.Is(() => GuardClock.Now.ShortestSince(last) > Timings.Ttl, "the lease's end");

        Assert.True(_daemon.IsConnected, _inside.Messages);
        Assert.False(_inside.HasExited);
    }

    [SkippableFact]
    public async Task A_guard_that_wakes_after_the_deadline_gives_SIGKILL_its_time()
    {
        await StartAsync("trap '' TERM; while :; do sleep 0.1; done");
        var asleep = ProcessTable.Read().All
            .Where(process => Read(process, "comm") == "clusterfs\n" && Read(process, "cmdline").Contains(_cluster.ConfigOf("n1"), StringComparison.Ordinal))
            .Select(process => process.Id).ToList();
        Assert.Equal(2, asleep.Count);

        asleep.ForEach(process => Posix.Processes.Signal(process, Posix.Processes.SignalStop));
        var last = await LoseMajorityAsync();
        _ = await Eventually.Is(() => GuardClock.Now.ShortestSince(last) > Timings.Ttl, "the lease's end");
        asleep.ForEach(process => Posix.Processes.Signal(process, Posix.Processes.SignalContinue));

        await _daemon.UntilAsync(report => report is { Phase: Phase.Closed, ClosedEpoch: 1 }, "the epoch's end");
        Assert.False(_inside.HasExited);
    }

    [SkippableFact]
    public async Task A_guard_that_may_not_reboot_its_node_does_not_start()
    {
        Skip.IfNot(Posix.Processes.IsRoot, "needs root");
        var guard = _cluster.StartProgram(
            "setpriv", "--bounding-set", "-sys_boot", "--inh-caps", "-sys_boot", CommandProcess.Executable, "guard", "--config", _cluster.ConfigOf("n1"));

        Assert.Equal(1, await guard.ExitAsync());
        Assert.Contains("service web has on-lost = reboot, and this guard has no CAP_SYS_BOOT", guard.Messages, StringComparison.Ordinal);
    }

    [Fact]
    public void SIGKILL_has_half_of_the_time_that_is_left()
    {
        var killAt = new Instant(TimeSpan.FromHours(1), TimeSpan.FromHours(2));

        Assert.Equal(TimeSpan.FromMilliseconds(250), Executioner.RebootAfter(killAt, killAt + TimeSpan.FromMilliseconds(500)));
    }

    private static async Task<int> RunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(program, arguments);
        using var limit = new CancellationTokenSource(Eventually.Limit);
        await process.WaitForExitAsync(limit.Token);
        return process.ExitCode;
    }

    /// <summary>A file system that a writer waits in for as long as it is frozen, whatever signals come.</summary>
    private async Task MountFrozenAsync()
    {
        Skip.IfNot(Posix.Processes.IsRoot, "needs root");
        var image = _cluster.InDirectory("disk.img");
        _ = Directory.CreateDirectory(Disk);
        await using (var file = File.Create(image))
        {
            file.SetLength(32 << 20);
        }

        Assert.Equal(0, await RunAsync("mkfs.ext4", "-q", image));
        _isMounted = await RunAsync("mount", "-o", "loop", image, Disk) == 0;
        Skip.IfNot(_isMounted, "needs loop devices");
        Assert.Equal(0, await RunAsync("fsfreeze", "--freeze", Disk));
    }

    private async Task StartAsync(string script)
    {
        Skip.IfNot(Posix.Processes.IsRoot && await RunAsync("unshare", [.. Apart, "true"]) == 0, "needs root, and user and PID namespaces");
        var outer = new FileInfo("/proc/self/ns/user").LinkTarget!;
        _inside = _cluster.StartProgram(
            "unshare",
            [.. Apart, "/bin/sh", "-c", Inside, "sh", outer, CommandProcess.Executable, _cluster.ConfigOf("n1"), _cluster.Directory, script]);
        _cluster.Guards["n1"] = _inside;
        _ = _cluster.StartGuard("n2");
        _ = _cluster.StartGuard("n3");
        await _cluster.JoinAllAsync();
        _daemon = _cluster.Supervise("n1");
        await _daemon.UntilAsync(report => report.Wanted, "the attachment");
        await _daemon.StartAsync(1);
    }

    private async Task<Instant> LoseMajorityAsync()
    {
        await _cluster.Guards["n2"].KillAsync();
        await _cluster.Guards["n3"].KillAsync();
        return GuardClock.Now;
    }

    private bool IsStuck() => ProcessTable.Read().All.Any(
        process => Read(process, "cmdline").Contains($"of={Disk}", StringComparison.Ordinal)
            && Read(process, "status").Contains("State:\tD", StringComparison.Ordinal));

    private static string Read(ProcessEntry process, string file)
    {
        try
        {
            return File.ReadAllText($"/proc/{process.Id}/{file}");
        }
        catch (IOException)
        {
            return "";
        }
    }
}
