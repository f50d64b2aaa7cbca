using ClusterFs.Archive;

namespace ClusterFs.Node.Content;

/// <summary>
/// Keeps the files of a service's archive few, on a thread of its own and one at a time: neither a dump nor an actor waits for it. It ends with
/// the process, wherever it is. Safe for use by several threads.
/// </summary>
internal sealed class BackgroundCompaction(string sharedPath, string service)
{
    private readonly ServiceArchive _archive = new(sharedPath, service);
    private int _running;

    /// <summary>Begins one, unless one is under way. To be called after a dump was committed.</summary>
    /// <param name="newest">The dump's slot.</param>
    public void Start(long newest)
    {
        if (Interlocked.Exchange(ref _running, 1) == 0)
        {
            new Thread(() => Run(newest)) { IsBackground = true, Name = $"compaction of {service}" }.Start();
        }
    }

    private void Run(long newest)
    {
        try
        {
            _archive.Compact(newest, CancellationToken.None);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // Nothing depends on it, and the next dump tries again. That shared storage is away or damaged is said by whoever reads or writes it.
        }
        finally
        {
            Volatile.Write(ref _running, 0);
        }
    }
}
