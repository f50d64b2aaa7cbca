using ClusterFs.Posix;

namespace ClusterFs.Archive.Restore;

/// <summary>
/// Gives files second names, many at a time, while the caller looks for the next: of many small files that takes most of the time. Not safe for use by
/// several threads.
/// </summary>
internal sealed class LinksAhead : IDisposable
{
    private const int Batch = 64;
    private const int MostBatches = 64;

    private readonly Queue<Task> _started = [];
    private List<(string Existing, string Created)> _collected = new(Batch);

    /// <param name="created">A name that is free.</param>
    public void Add(string existing, string created)
    {
        _collected.Add((existing, created));
        if (_collected.Count < Batch)
        {
            return;
        }

        var batch = _collected;
        _collected = new(Batch);
        _started.Enqueue(Task.Run(() => Link(batch)));
        while (_started.Count > MostBatches)
        {
            _started.Dequeue().GetAwaiter().GetResult();
        }
    }

    /// <summary>Until all names are there.</summary>
    /// <exception cref="PosixException">One cannot be made.</exception>
    public void Complete()
    {
        Link(_collected);
        _collected.Clear();
        while (_started.TryDequeue(out var next))
        {
            next.GetAwaiter().GetResult();
        }
    }

    /// <summary>Waits for what was started: it writes where the caller is about to clean up.</summary>
    public void Dispose()
    {
        foreach (var task in _started)
        {
            ((IAsyncResult)task).AsyncWaitHandle.WaitOne();
        }
    }

    private static void Link(List<(string Existing, string Created)> batch)
    {
        foreach (var (existing, created) in batch)
        {
            if (!Durable.TryLink(existing, created))
            {
                throw new PosixException("link", created, PosixException.Exists);
            }
        }
    }
}
