using ClusterFs.Posix;

namespace ClusterFs.Archive.Threads;

/// <summary>
/// Threads for what a dump does beside a service: where both want a processor, the service gets it.
/// </summary>
internal sealed class YieldingThreads() : ArchiveThreads(Most)
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

    /// <summary>Whoever of them has one computes: those of all dumps of this process together are, as a rule, no more than those of one, and who leads them.</summary>
    private static readonly SemaphoreSlim Turns = new(Most);

    /// <summary>For one that does not come: who has it may wait for storage that hangs.</summary>
    private static readonly TimeSpan PatienceForTurn = TimeSpan.FromMilliseconds(100);

    /// <summary>The thread that serves the timers of this process begins with the first of them, and may not be one that gives way.</summary>
    private static readonly Timer First = new(_ => { }, null, TimeSpan.FromMilliseconds(1), Timeout.InfiniteTimeSpan);

    /// <summary>Theirs, whoever starts them: one that gives way already would hand that on.</summary>
    private readonly int _niceness = Processes.ThreadNiceness + Niceness;

    protected override string ThreadName => Name;

    /// <summary>
    /// Has a thread of its own, which gives way as these do and is none of them, do what gives them work, and waits for it. That must give none to the pool, nor
    /// start a command: these would give way too, for good.
    /// </summary>
    public T Lead<T>(Func<T> work)
    {
        GC.KeepAlive(First);
        var led = new Task<T>(work);
        if (!TryStart(() => led.RunSynchronously(Default)))
        {
            led.RunSynchronously(Default);
        }

        return led.GetAwaiter().GetResult();
    }

    protected override void Begin() => Processes.YieldThread(_niceness);

    protected override void Do(Task task)
    {
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
        }
    }
}
