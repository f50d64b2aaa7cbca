namespace ClusterFs.Archive.Threads;

/// <summary>Work that other threads do while the caller goes on, its results in the order in which it was started. Not safe for use by several threads.</summary>
/// <param name="workers">Who does it; null: threads of its own.</param>
internal sealed class WorkAhead<T>(TaskScheduler? workers = null) : IDisposable
{
    /// <summary>One more than can compute, because one may wait for storage.</summary>
    private static readonly int MostThreads = Environment.ProcessorCount + 1;

    private readonly ArchiveThreads? _own = workers is null ? new ArchiveThreads(MostThreads) : null;
    private readonly Queue<Task<T>> _started = [];
    private volatile bool _stopped;

    /// <summary>Pieces of work whose results were not taken.</summary>
    public int Count => _started.Count;

    public void Start(Func<T> work) => _started.Enqueue(Task.Factory.StartNew(
        () => _stopped ? throw new OperationCanceledException() : work(), CancellationToken.None, TaskCreationOptions.DenyChildAttach, workers ?? _own!));

    /// <summary>Waits for the first piece of work, and throws what that threw.</summary>
    /// <exception cref="InvalidOperationException">None was started.</exception>
    public T Take() => _started.Dequeue().GetAwaiter().GetResult();

    /// <summary>
    /// Waits for what is being done: it uses what the caller is about to close or to clean up. What has not begun is not done.
    /// </summary>
    public void Dispose()
    {
        _stopped = true;
        foreach (var task in _started)
        {
            try
            {
                task.Wait();
            }
            catch (AggregateException)
            {
                // The caller is on its way out, and has no use for the result.
            }
        }

        _started.Clear();
        _own?.Dispose();
    }
}
