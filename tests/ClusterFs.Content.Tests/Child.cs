using System.Diagnostics;

namespace ClusterFs.Content.Tests;

/// <summary>A process of this very assembly.</summary>
internal static class Child
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static string Executable => Path.Combine(AppContext.BaseDirectory, "ClusterFs.Content.Tests");

    /// <returns>The exit code; 137 after SIGKILL.</returns>
    public static int Run(params string[] arguments) => RunProgram(Executable, arguments);

    /// <summary>
    /// Kills it when one of its threads makes one of these calls for the n-th time, before the call does anything. strace counts each kind of call by itself, so
    /// one kind should be named at a time.
    /// </summary>
    /// <param name="calls">Names of system calls, with commas.</param>
    /// <returns>The exit code; 137 after SIGKILL.</returns>
    public static int RunKilledAt(string calls, int n, params string[] arguments) => RunProgram(
        "strace", ["-f", "-qq", "-o", "/dev/null", "-e", $"trace={calls}", "-e", $"inject={calls}:signal=SIGKILL:when={n}", Executable, .. arguments]);

    /// <summary>Runs a script, whose $0 is this assembly.</summary>
    public static int RunShell(string script) => RunProgram("/bin/sh", ["-c", script, Executable]);

    private static int RunProgram(string file, string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(file, arguments))!;
        if (!process.WaitForExit(Patience))
        {
            process.Kill();
            Assert.Fail("the child process did not end");
        }

        return process.ExitCode;
    }
}
