using System.Diagnostics;

namespace ClusterFs.Archive.Tests;

/// <summary>Waits for what another process or thread does.</summary>
internal static class Await
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public static void That(Func<bool> condition, string what)
    {
        var started = Stopwatch.GetTimestamp();
        using var never = new ManualResetEventSlim();
        while (!condition())
        {
            Assert.True(Stopwatch.GetElapsedTime(started) < Patience, $"not in time: {what}");
            never.Wait(TimeSpan.FromMilliseconds(5));
        }
    }

    /// <summary>Whether a process runs: one that is dead and not yet taken away does not.</summary>
    public static bool IsAlive(string process)
    {
        try
        {
            return !File.ReadAllText($"/proc/{process.Trim()}/stat").Contains(") Z ", StringComparison.Ordinal);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
