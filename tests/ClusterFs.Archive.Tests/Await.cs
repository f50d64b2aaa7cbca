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
}
