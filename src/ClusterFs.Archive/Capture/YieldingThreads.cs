using System.Collections.Concurrent;
using ClusterFs.Posix;

namespace ClusterFs.Archive.Capture;

/// <summary>
/// Threads for what a dump does beside a service: where both want a processor, the service gets it. They are the dump's own, and not of the pool, whose
/// threads serve everything else in this process later on. Each starts with the first work that finds none free. For use by several threads.
/// </summary>
internal sealed class YieldingThreads : TaskScheduler, IDisposable
{
    /// <summary>Of the threads, for whoever looks at the process.</summary>
    public const string Name = "dump";

    /// <summary>
    /// So much nicer than the process: a third of the share of one that is not, within one group of the scheduler (sched(7)). With more, a dump on a busy
    /// machine takes so long that the database's log, which nobody may begin anew meanwhile, costs more than the dump.
    /// </summary>
    public const int Niceness = 5;

    /// <summary>One more than can compute, because one may wait for storage.</summary>
    private static readonly int Most = Environment.ProcessorCount + 1;

    /// <summary>Who has one computes; all dumps of this process together take no more processors than one.</summary>
    private static readonly SemaphoreSlim Turns = new(Most);

    /// <summary>For one that does not come: who has it may wait for storage that hangs.</summary>
    private static readonly TimeSpan PatienceForTurn = TimeSpan.FromMilliseconds(100);

    /// <summary>Theirs, whoever starts them: one that gives way already would hand that on.</summary>
    private readonly int _niceness = Processes.ThreadNiceness + Niceness;
    private readonly BlockingCollection<Task> _waiting = [];
    private readonly Lock _starting = new();
    private int _busy;
    private int _threads;

    public override int MaximumConcurrencyLevel => Most;

    /// <summary>
    /// Has a thread of its own, which gives way as these do and is none of them, do what gives them work, and waits for it. That must give none to the pool, nor
    /// start a command: these would give way too, for good.
    /// </summary>
    public T Lead<T>(Func<T> work)
    {
        var led = new Task<T>(work);
        if (!TryStart(() => led.RunSynchronously(TaskScheduler.Default)))
        {
            led.RunSynchronously(TaskScheduler.Default);
        }

        return led.GetAwaiter().GetResult();
    }

    /// <summary>Ends the threads when they have done what was given to them.</summary>
    public void Dispose() => _waiting.CompleteAdding();

    protected override void QueueTask(Task task)
    {
        _waiting.Add(task);
        lock (_starting)
        {
            if (_threads == Most || Volatile.Read(ref _busy) + _waiting.Count <= _threads)
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
    protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) => false;

    protected override IEnumerable<Task> GetScheduledTasks() => _waiting.ToArray();

    /// <returns>False where the system has no more threads.</returns>
    private bool TryStart(Action work)
    {
        try
        {
            new Thread(() => DoGivingWay(work)) { IsBackground = true }.Start();
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
            TryExecuteTask(task);
        }
    }

    private void DoGivingWay(Action work)
    {
        Processes.YieldThread(_niceness);
        Thread.CurrentThread.Name = Name;
        work();
    }

    private void Work()
    {
        foreach (var task in _waiting.GetConsumingEnumerable())
        {
            Interlocked.Increment(ref _busy);
            var isTurn = Turns.Wait(PatienceForTurn);
            try
            {
                TryExecuteTask(task);
            }
            finally
            {
                if (isTurn)
                {
                    Turns.Release();
                }

                Interlocked.Decrement(ref _busy);
            }
        }
    }
}
