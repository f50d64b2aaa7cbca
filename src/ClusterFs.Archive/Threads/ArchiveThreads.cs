using System.Collections.Concurrent;

namespace ClusterFs.Archive.Threads;

/// <summary>
/// Threads of one operation's own. Storage that hangs keeps every thread that comes to it, and on those of the pool lives all else that this process does: the
/// renewals of its leases, too. Each starts with the first work that finds none free. For use by several threads.
/// </summary>
/// <param name="most">At a time.</param>
internal class ArchiveThreads(int most) : TaskScheduler, IDisposable
{
    private readonly BlockingCollection<Task> _waiting = [];
    private readonly Lock _starting = new();
    private int _unfinished;
    private int _threads;

    public sealed override int MaximumConcurrencyLevel => most;

    /// <summary>Of the threads, for whoever looks at the process; at most 15 characters are seen.</summary>
    protected virtual string ThreadName => "archive";

    /// <summary>Ends the threads when they have done what was given to them; takes no more.</summary>
    public void Dispose()
    {
        _waiting.CompleteAdding();
        GC.SuppressFinalize(this);
    }

    protected sealed override void QueueTask(Task task)
    {
        _ = Interlocked.Increment(ref _unfinished);
        _waiting.Add(task);
        lock (_starting)
        {
            if (_threads == most || Volatile.Read(ref _unfinished) <= _threads)
            {
                return;
            }

            if (TryStart(Work))
            {
                _threads++;
            }
            else if (_threads == 0)
            {
                ThreadPool.UnsafeQueueUserWorkItem(_ => DoOne(), null);
            }
        }
    }

    /// <summary>Never: a thread that waits for a result is none of these.</summary>
    protected sealed override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) => false;

    protected sealed override IEnumerable<Task> GetScheduledTasks() => _waiting.ToArray();

    /// <summary>What each thread does first.</summary>
    protected virtual void Begin()
    {
    }

    protected virtual void Do(Task task) => TryExecuteTask(task);

    /// <returns>False where the system has no more threads.</returns>
    protected bool TryStart(Action work)
    {
        try
        {
            new Thread(() =>
            {
                Thread.CurrentThread.Name = ThreadName;
                Begin();
                work();
            }) { IsBackground = true }.Start();
            return true;
        }
        catch (Exception error) when (error is OutOfMemoryException or ThreadStartException)
        {
            return false;
        }
    }

    private void DoOne()
    {
        if (_waiting.TryTake(out var task))
        {
            Finish(task);
        }
    }

    private void Work()
    {
        foreach (var task in _waiting.GetConsumingEnumerable())
        {
            Finish(task);
        }
    }

    private void Finish(Task task)
    {
        try
        {
            Do(task);
        }
        finally
        {
            Interlocked.Decrement(ref _unfinished);
        }
    }
}
