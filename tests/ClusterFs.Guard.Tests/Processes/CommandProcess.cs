using System.Collections.Concurrent;
using System.Diagnostics;
using ClusterFs.Posix;

namespace ClusterFs.Guard.Tests.Processes;

/// <summary>A process of the real command line. Whatever is left of it is killed at the end of the test.</summary>
internal sealed class CommandProcess : IAsyncDisposable
{
    /// <summary>The program in CLUSTERFS_BIN, which build.sh made, rather than the one that was built beside the tests.</summary>
    public static readonly string Executable = Path.Combine(
        Environment.GetEnvironmentVariable("CLUSTERFS_BIN") is { Length: > 0 } bin ? bin : AppContext.BaseDirectory, "clusterfs");

    private readonly Process _process;
    private readonly ConcurrentQueue<string> _lines = new();

    private CommandProcess(Process process) => _process = process;

    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    public string Messages => string.Join('\n', _lines);

    public static CommandProcess StartProgram(string program, params string[] arguments)
    {
        var process = new Process
        {
            StartInfo = new ProcessStartInfo(program, arguments) { RedirectStandardError = true, RedirectStandardOutput = true },
        };
        var started = new CommandProcess(process);
        process.ErrorDataReceived += (_, line) => started.Keep(line.Data);
        process.OutputDataReceived += (_, line) => started.Keep(line.Data);
        _ = process.Start();
        process.BeginErrorReadLine();
        process.BeginOutputReadLine();
        return started;
    }

    public void Signal(int signal) => _ = Posix.Processes.Signal(_process.Id, signal);

    public async Task<int> ExitAsync()
    {
        using var limit = new CancellationTokenSource(Eventually.Limit);
        await _process.WaitForExitAsync(limit.Token);
        return _process.ExitCode;
    }

    public async Task KillAsync()
    {
        if (!_process.HasExited)
        {
            Signal(Posix.Processes.SignalKill);
        }

        _ = await ExitAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        _process.Dispose();
    }

    private void Keep(string? line)
    {
        if (line is not null)
        {
            _lines.Enqueue(line);
        }
    }
}
