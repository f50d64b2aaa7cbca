using ClusterFs.Demo;
using ClusterFs.Demo.Processes;

namespace ClusterFs.Faults.Rig;

/// <summary>One node's mount of the shared file system, served by a process of its own as a network file system's client is.</summary>
internal sealed class SharedMount(string node, string source, string mountPoint, string logFile, IReadOnlyDictionary<string, string> environment)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private LaunchedProcess? _server;

    public async Task Mount()
    {
        Directory.CreateDirectory(mountPoint);
        _server = LaunchedProcess.Start(
            $"{node} shared",
            logFile,
            Path.GetDirectoryName(logFile)!,
            environment,
            ["bindfs", "-f", "--enable-lock-forwarding", "--multithreaded", source, mountPoint]);
        await Eventually.True(
            $"{mountPoint} is mounted",
            Patience,
            () => Shell.IsMounted(mountPoint),
            () => LogTail.Of(logFile));
    }

    /// <summary>Every call fails from now on.</summary>
    public async Task Break()
    {
        _server!.Signal(Posix.Processes.SignalKill);
        await _server.UntilExit(Patience);
    }

    public async Task Repair()
    {
        await Shell.Run("umount", "-l", mountPoint);
        await Mount();
    }

    /// <summary>No call returns from now on.</summary>
    public void Hang() => _server!.Signal(Posix.Processes.SignalStop);

    public void Resume() => _server!.Signal(Posix.Processes.SignalContinue);

    /// <summary>Waits for those who have a file open for writing. A mount that is broken stays so.</summary>
    public Task MakeReadOnly() => Remount("ro");

    public Task MakeWritable() => Remount("rw");

    private async Task Remount(string how) => await Eventually.Get(
        $"{mountPoint} is mounted {how}",
        Patience,
        async () => _server!.HasExited || await Shell.TryRun("mount", "-o", $"remount,bind,{how}", mountPoint) ? mountPoint : null);
}
