using System.Diagnostics;
using ClusterFs.Archive;
using ClusterFs.Archive.Retention;

namespace ClusterFs.Node.Content;

/// <summary>
/// Keeps the files of a service's archive few and prunes its dumps, on a thread of its own and one at a time: neither a dump nor an actor waits for
/// it. It ends with the process, wherever it is. Safe for use by several threads.
/// </summary>
internal sealed class ArchiveUpkeep(ServiceArchive archive, RetentionPolicy retention)
{
    /// <summary>A prune is a record in the log, and reads all of it.</summary>
    private const int LeastToPrune = 32;
    private static readonly TimeSpan BetweenPrunes = TimeSpan.FromMinutes(5);

    private int _running;
    private long? _prunedAt;

    /// <summary>Why the last one failed; null when it did not.</summary>
    public string? Problem { get; private set; }

    /// <summary>Begins one, unless one is under way. To be called after a dump was committed.</summary>
    /// <param name="newest">The dump's slot.</param>
    public void Start(long newest)
    {
        if (Interlocked.Exchange(ref _running, 1) == 0)
        {
            new Thread(() => Run(newest)) { IsBackground = true, Name = $"upkeep of {archive.Service}" }.Start();
        }
    }

    private void Run(long newest)
    {
        try
        {
            archive.Compact(newest, CancellationToken.None);
            if (_prunedAt is not { } last || Stopwatch.GetElapsedTime(last) >= BetweenPrunes)
            {
                _prunedAt = Stopwatch.GetTimestamp();
                _ = archive.Prune(retention, LeastToPrune, CancellationToken.None);
            }

            Problem = null;
        }
#pragma warning disable CA1031 // Whatever it is, no dump depends on it, and the daemon must not end with this thread. The next one tries again.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            Problem = failure.Message;
        }
        finally
        {
            Volatile.Write(ref _running, 0);
        }
    }
}
