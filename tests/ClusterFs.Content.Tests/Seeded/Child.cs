using System.Diagnostics;

namespace ClusterFs.Content.Tests.Seeded;

/// <summary>A process of this very assembly.</summary>
internal static class Child
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <returns>The exit code; 137 after SIGKILL.</returns>
    public static int Run(params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "ClusterFs.Content.Tests"), arguments))!;
        if (!process.WaitForExit(Patience))
        {
            process.Kill();
            Assert.Fail("the child process did not end");
        }

        return process.ExitCode;
    }
}
