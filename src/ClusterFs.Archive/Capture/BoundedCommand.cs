using System.ComponentModel;
using System.Diagnostics;

namespace ClusterFs.Archive.Capture;

/// <summary>How a command ended.</summary>
/// <param name="Words">Its exit code, or what became of it, and the end of what it printed.</param>
internal sealed record CommandOutcome(bool Succeeded, string Words)
{
    /// <summary>It closed its standard input before all was written there, so it cannot have read it.</summary>
    public bool InputRefused { get; init; }
}

/// <summary>
/// A command of the configuration, with limits: its time, what is kept of what it prints, and that nothing of it is left when it is killed. Whatever goes wrong
/// with it is its outcome.
/// </summary>
/// <param name="command">A program, and what it is given.</param>
/// <param name="run">Marks its processes: see <see cref="MarkedProcesses"/>.</param>
internal sealed class BoundedCommand(
    IReadOnlyList<string> command, string directory, string run, IEnumerable<KeyValuePair<string, string>> environment)
{
    /// <summary>For what it printed last, should something that it left running keep its output open.</summary>
    private static readonly TimeSpan ReadPatience = TimeSpan.FromMilliseconds(500);

    /// <summary>Longer than it takes to find them on a busy machine.</summary>
    private static readonly TimeSpan KillPatience = TimeSpan.FromSeconds(5);

    /// <summary>One that /bin/sh runs.</summary>
    /// <param name="givesWay">Whether it has the lowest priority. Its own processes only: a thread of ours would hand its priority on to others.</param>
    public static BoundedCommand OfShell(
        string text, string directory, string run, IEnumerable<KeyValuePair<string, string>> environment, bool givesWay = false)
    {
        string[] shell = ["/bin/sh", "-c", text];

        // The kernel derives a process's priority for the disk from this one.
        return new BoundedCommand(givesWay ? ["nice", "-n", "19", .. shell] : shell, directory, run, environment);
    }

    /// <summary>Runs it and waits. What it leaves running when it ends by itself is left running.</summary>
    /// <param name="timeout">Then all that it started is killed, and it has failed.</param>
    /// <param name="input">What it finds on its standard input, as far as it reads it; small.</param>
    /// <exception cref="OperationCanceledException">Cancelled; all that it started was killed.</exception>
    public CommandOutcome Run(TimeSpan timeout, CancellationToken cancellation, ReadOnlyMemory<byte> input = default)
    {
        cancellation.ThrowIfCancellationRequested();
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var tail = new OutputTail();
        try
        {
            using var process = Process.Start(StartInfo())!;
            Thread[] output = [tail.Begin(process.StandardOutput), tail.Begin(process.StandardError)];
            limit.CancelAfter(timeout);
            bool isRefused;
            try
            {
                isRefused = !Give(process, input, limit.Token);
                process.WaitForExitAsync(limit.Token).GetAwaiter().GetResult();
            }
            catch (OperationCanceledException)
            {
                KillAll(process);
                cancellation.ThrowIfCancellationRequested();
                return new CommandOutcome(false, $"no end after {timeout.TotalSeconds:0.###} s, killed{Said(output, tail)}");
            }

            return new CommandOutcome(process.ExitCode == 0, $"exit code {process.ExitCode}{Said(output, tail)}") { InputRefused = isRefused };
        }
        catch (Exception problem) when (problem is Win32Exception or IOException)
        {
            KillMarked();
            return new CommandOutcome(false, $"it cannot be run: {problem.Message}");
        }
    }

    /// <returns>False where it does not take it.</returns>
    private static bool Give(Process process, ReadOnlyMemory<byte> input, CancellationToken limit)
    {
        try
        {
            if (input.Length > 0)
            {
                process.StandardInput.BaseStream.WriteAsync(input, limit).AsTask().GetAwaiter().GetResult();
            }

            process.StandardInput.Close();
            return true;
        }
        catch (IOException)
        {
            return false;
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

        KillMarked();
    }

    /// <summary>
    /// Whose a process is can only be read of each, and of one that is stuck in the kernel, as on storage that hangs, this waits for as long. Whoever waits
    /// for the outcome, such as that of a fence, does not: the others are killed beside it.
    /// </summary>
    private void KillMarked() => Task.WaitAny(
        [Task.Factory.StartNew(() => MarkedProcesses.Kill(run), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)], KillPatience);

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
        var start = new ProcessStartInfo(command[0], command.Skip(1))
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
