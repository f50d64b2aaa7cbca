using System.ComponentModel;
using System.Diagnostics;

namespace ClusterFs.Archive.Capture;

/// <summary>How a command ended.</summary>
/// <param name="Words">Its exit code, or what became of it, and the end of what it printed.</param>
internal sealed record ShellOutcome(bool Succeeded, string Words);

/// <summary>A command of the configuration, run by /bin/sh.</summary>
/// <param name="run">Marks its processes: see <see cref="MarkedProcesses"/>.</param>
/// <param name="givesWay">Whether it has the lowest priority. Its own processes only: a thread of ours would hand its priority on to others.</param>
internal sealed class ShellCommand(
    string text, string directory, string run, IEnumerable<KeyValuePair<string, string>> environment, bool givesWay = false)
{
    /// <summary>For what it printed last, should something that it left running keep its output open.</summary>
    private static readonly TimeSpan ReadPatience = TimeSpan.FromMilliseconds(500);

    /// <summary>What it finds on its standard input, as far as it reads it; small. Default: nothing.</summary>
    public ReadOnlyMemory<byte> Input { get; init; }

    /// <summary>Runs it and waits. What it leaves running when it ends by itself is left running.</summary>
    /// <param name="timeout">Then all that it started is killed, and it has failed.</param>
    /// <exception cref="OperationCanceledException">Cancelled; all that it started was killed.</exception>
    public ShellOutcome Run(TimeSpan timeout, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var tail = new OutputTail();
        try
        {
            using var process = Process.Start(StartInfo())!;
            Thread[] output = [tail.Begin(process.StandardOutput), tail.Begin(process.StandardError)];
            limit.CancelAfter(timeout);
            try
            {
                Give(process, limit.Token);
                process.WaitForExitAsync(limit.Token).GetAwaiter().GetResult();
            }
            catch (OperationCanceledException)
            {
                KillAll(process);
                cancellation.ThrowIfCancellationRequested();
                return new ShellOutcome(false, $"no end after {timeout.TotalSeconds:0.###} s, killed{Said(output, tail)}");
            }

            return new ShellOutcome(process.ExitCode == 0, $"exit code {process.ExitCode}{Said(output, tail)}");
        }
        catch (Exception problem) when (problem is Win32Exception or IOException)
        {
            MarkedProcesses.Kill(run);
            return new ShellOutcome(false, $"it cannot be run: {problem.Message}");
        }
    }

    private void Give(Process process, CancellationToken limit)
    {
        try
        {
            if (Input.Length > 0)
            {
                process.StandardInput.BaseStream.WriteAsync(Input, limit).AsTask().GetAwaiter().GetResult();
            }

            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It has closed its standard input, or has ended.
        }
    }

    private void KillAll(Process process)
    {
        try
        {
            // By parentage too: some programs, such as su, clear the environment.
            process.Kill(entireProcessTree: true);
        }
        catch (Exception problem) when (problem is AggregateException or InvalidOperationException or Win32Exception)
        {
            // One of them ended by itself, or is not ours to kill: the others still have to go.
        }

        MarkedProcesses.Kill(run);
    }

    private static string Said(Thread[] output, OutputTail tail)
    {
        var ended = Stopwatch.GetTimestamp();
        foreach (var reading in output)
        {
            _ = reading.Join(TimeSpan.FromTicks(Math.Max(0, (ReadPatience - Stopwatch.GetElapsedTime(ended)).Ticks)));
        }

        return tail.Words is { Length: > 0 } words ? $": {words}" : string.Empty;
    }

    private ProcessStartInfo StartInfo()
    {
        string[] shell = ["/bin/sh", "-c", text];

        // The kernel derives a process's priority for the disk from this one.
        string[] command = givesWay ? ["nice", "-n", "19", .. shell] : shell;
        var start = new ProcessStartInfo(command[0], command[1..])
        {
            WorkingDirectory = directory,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        start.Environment[MarkedProcesses.Variable] = run;
        return start;
    }
}
