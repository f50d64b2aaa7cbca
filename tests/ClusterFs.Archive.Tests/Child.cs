using System.Diagnostics;

namespace ClusterFs.Archive.Tests;

/// <summary>A process of this very assembly, killed at the latest when the test ends.</summary>
internal sealed class Child : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly Process _process;

    public Child(params string[] arguments)
        : this(Executable, arguments)
    {
    }

    private Child(string file, IEnumerable<string> arguments)
    {
        _process = Process.Start(new ProcessStartInfo(file, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
    }

    private static string Executable => Path.Combine(AppContext.BaseDirectory, "ClusterFs.Archive.Tests");

    /// <summary>A child that is killed by the kernel when one of its threads makes such a call for the n-th time, before the call does anything.</summary>
    /// <param name="calls">Names of system calls, with commas.</param>
    public static Child KilledAt(string calls, int n, params string[] arguments) => new(
        "strace", ["-f", "-qq", "-o", "/dev/null", "-e", $"trace={calls}", "-e", $"inject={calls}:signal=SIGKILL:when={n}", Executable, .. arguments]);

    /// <summary>A child that has not some of the rights of root.</summary>
    /// <param name="right">A capability, in lower case and without its prefix.</param>
    public static Child Without(string right, params string[] arguments) =>
        new("setpriv", [$"--bounding-set=-{right}", $"--inh-caps=-{right}", Executable, .. arguments]);

    /// <summary>Another program.</summary>
    public static Child Of(string file, params string[] arguments) => new(file, arguments);

    public int Id => _process.Id;

    public bool IsRunning => !_process.HasExited;

    public void WriteLine(string line)
    {
        _process.StandardInput.WriteLine(line);
        _process.StandardInput.Flush();
    }

    public string? ReadLine() => _process.StandardOutput.ReadLine();

    public string ReadRest() => _process.StandardOutput.ReadToEnd();

    /// <returns>The exit code; 137 after SIGKILL.</returns>
    public int Wait()
    {
        Assert.True(_process.WaitForExit(Patience), "the child process did not end");
        return _process.ExitCode;
    }

    public void Kill()
    {
        _process.Kill();
        _process.WaitForExit(Patience);
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            Kill();
        }

        _process.Dispose();
    }
}
