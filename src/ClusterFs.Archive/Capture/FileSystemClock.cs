using System.Diagnostics;
using ClusterFs.Posix;

namespace ClusterFs.Archive.Capture;

/// <summary>
/// The clock by which a file system stamps changes. It ticks coarsely, so that two changes within a tick bear one time; what was changed
/// less than a tick ago may change again unseen.
/// </summary>
internal sealed class FileSystemClock(string directory)
{
    private const long NanosecondsPerSecond = 1_000_000_000;
    private const long Tick = 20_000_000;
    private const long CoarseTick = 2 * NanosecondsPerSecond;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(2);

    /// <summary>Above the coarsest tick. A clock that was put back may take hours to come where it was.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(3);

    /// <summary>Stamps a file in a directory; another in tests.</summary>
    internal Func<string, long> Stamp { get; init; } = StampProbe;

    /// <summary>The time a change would be stamped with now.</summary>
    public long Now() => Stamp(directory);

    /// <summary>Whether a file seen with this status at that time would show any later change.</summary>
    public static bool IsSettled(FileStatus status, long now) => status.ChangedNs + TickOf(status) < now;

    /// <summary>
    /// Waits until a later change of anything changed so far would show, or not, if the clock is put back: <see cref="IsSettled"/> tells.
    /// </summary>
    public void WaitUntilSettled(CancellationToken cancellation) => WaitUntilPast(Now(), cancellation);

    /// <summary>The same of anything changed before a time.</summary>
    /// <param name="start">By <see cref="Now"/>.</param>
    public void WaitUntilPast(long start, CancellationToken cancellation)
    {
        var tick = start % NanosecondsPerSecond == 0 ? CoarseTick : Tick;
        _ = TryWaitUntilAfter(start + tick, cancellation);
    }

    /// <summary>Waits until a change would bear a later time than this one.</summary>
    /// <param name="time">By <see cref="Now"/>.</param>
    /// <returns>False when it still would not after a while, because the clock was put back.</returns>
    public bool TryWaitUntilAfter(long time, CancellationToken cancellation)
    {
        var began = Stopwatch.GetTimestamp();
        while (Now() <= time)
        {
            if (Stopwatch.GetElapsedTime(began) >= Longest)
            {
                return false;
            }

            if (cancellation.WaitHandle.WaitOne(Pause))
            {
                cancellation.ThrowIfCancellationRequested();
            }
        }

        return true;
    }

    /// <summary>What a file made there now is stamped with.</summary>
    internal static long StampProbe(string directory)
    {
        var probe = Path.Combine(directory, $"clock.{Guid.NewGuid():N}");
        try
        {
            using var handle = File.OpenHandle(probe, FileMode.CreateNew, FileAccess.Write);
            return FileStatus.Read(handle).ChangedNs;
        }
        finally
        {
            File.Delete(probe);
        }
    }

    /// <summary>File systems that keep whole seconds only show it by stamps without a fraction.</summary>
    private static long TickOf(FileStatus status) => status.ChangedNs % NanosecondsPerSecond == 0 ? CoarseTick : Tick;
}
