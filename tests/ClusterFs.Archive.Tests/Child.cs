using System.Diagnostics;

namespace ClusterFs.Archive.Tests;

/// <summary>A process of this very assembly, killed at the latest when the test ends.</summary>
internal sealed class Child : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly Process _process;

    public Child(params string[] arguments)
    {
        _process = Process.Start(new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "ClusterFs.Archive.Tests"), arguments)
        {
            RedirectStandardOutput = true,
        })!;
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
