namespace ClusterFs.Archive.Threads;

/// <summary>
/// Threads of one operation's own. Storage that hangs keeps every thread that comes to it, and on those of the pool lives all else that this process does: the
/// renewals of its leases, too. Each starts with the first work that finds none free. For use by several threads.
/// </summary>
/// <param name="most">At a time.</param>
internal class ArchiveThreads(int most) : TaskScheduler, IDisposable
{
    /// <summary>Waited on too. A collection that blocks would have threads look again and again before they sleep, and that takes processors away from a service.</summary>
    private readonly object _gate = new();
    private readonly Queue<Task> _waiting = [];
    private int _unfinished;
    private int _threads;
    private bool _ended;

    public sealed override int MaximumConcurrencyLevel => most;

    /// <summary>Of the threads, for whoever looks at the process; at most 15 characters are seen.</summary>
    protected virtual string ThreadName => "archive";

    /// <summary>Ends the threads when they have done what was given to them; takes no more.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _ended = true;
            Monitor.PulseAll(_gate);
        }

        GC.SuppressFinalize(this);
    }

    protected sealed override void QueueTask(Task task)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_ended, this);
            _waiting.Enqueue(task);
            Monitor.Pulse(_gate);
            if (++_unfinished <= _threads || _threads == most)
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

    protected sealed override IEnumerable<Task> GetScheduledTasks()
    {
        lock (_gate)
        {
            return [.. _waiting];
        }
    }

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
        if (TryTake(waits: false) is { } task)
        {
            Finish(task);
        }
    }

    private void Work()
    {
        while (TryTake(waits: true) is { } task)
        {
            Finish(task);
        }
    }

    /// <returns>Null when nothing is left to be done, and nothing will come or is waited for.</returns>
    private Task? TryTake(bool waits)
    {
        lock (_gate)
        {
            while (_waiting.Count == 0)
            {
                if (_ended || !waits)
                {
                    return null;
                }

                Monitor.Wait(_gate);
            }

            return _waiting.Dequeue();
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
            lock (_gate)
            {
                _unfinished--;
            }
        }
    }
}
