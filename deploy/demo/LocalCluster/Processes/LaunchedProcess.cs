using System.Diagnostics;
using ClusterFs.Posix;

namespace ClusterFs.Demo.Processes;

/// <summary>A child in a session of its own, whose output goes to a file without passing through this process.</summary>
public sealed class LaunchedProcess
{
    private readonly Process _process;

    private LaunchedProcess(string name, string logFile, Process process)
    {
        Name = name;
        LogFile = logFile;
        _process = process;
        Id = process.Id;
    }

    public string Name { get; }

    public int Id { get; }

    /// <summary>Standard output and standard error, together; appended to if the file was there.</summary>
    public string LogFile { get; }

    public bool HasExited => _process.HasExited;

    /// <summary>Null while it runs; 128 + the signal for one that was killed.</summary>
    public int? ExitCode => _process.HasExited ? _process.ExitCode : null;

    public static LaunchedProcess Start(
        string name,
        string logFile,
        string workingDirectory,
        IReadOnlyDictionary<string, string> environment,
        IReadOnlyList<string> command)
    {
        // The shell and setsid only prepare the ground: exec keeps the process id that we are told.
        var start = new ProcessStartInfo("/bin/sh") { UseShellExecute = false, WorkingDirectory = workingDirectory };
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add("exec setsid \"$@\" </dev/null >>\"$0\" 2>&1");
        start.ArgumentList.Add(logFile);
        foreach (var argument in command)
        {
            start.ArgumentList.Add(argument);
        }

        foreach (var (variable, value) in environment)
        {
            start.Environment[variable] = value;
        }

        var process = Process.Start(start) ?? throw new IOException($"{name} cannot be started: {command[0]}");
        return new LaunchedProcess(name, logFile, process);
    }

    /// <summary>Sends a signal to this process alone. Nothing happens when it has ended.</summary>
    public void Signal(int signal)
    {
        // The id is ours until .NET has taken the exit code, which HasExited knows of.
        if (!_process.HasExited)
        {
            Posix.Processes.Signal(Id, signal);
        }
    }

    public async Task<int> UntilExit(TimeSpan patience)
    {
        using var deadline = new CancellationTokenSource(patience);
        try
        {
            await _process.WaitForExitAsync(deadline.Token);
        }
        catch (OperationCanceledException)
        {
            throw new ConditionNotMetException(
                $"{Name} (process {Id}) has not ended after {patience.TotalSeconds:0.#} s{Environment.NewLine}{LogTail.Of(LogFile)}");
        }

        return _process.ExitCode;
    }
}
