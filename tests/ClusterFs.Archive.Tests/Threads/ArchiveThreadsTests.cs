using ClusterFs.Archive.Threads;

namespace ClusterFs.Archive.Tests.Threads;

public sealed class ArchiveThreadsTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>What hangs would keep the pool's, and with them all else that this process does.</summary>
    [Fact]
    public void They_are_none_of_the_pool_and_end_when_they_are_needed_no_more()
    {
        var threads = new ArchiveThreads(2);
        var thread = Assert.Single(Done([Started(threads, () => Thread.CurrentThread)]));

        Assert.False(thread.IsThreadPoolThread);
        threads.Dispose();
        Assert.True(thread.Join(Patience));
    }

    [Fact]
    public void As_many_work_at_once_as_there_may_be_and_no_more()
    {
        using var threads = new ArchiveThreads(2);
        using var together = new Barrier(2);
        var work = Enumerable.Range(0, 6).Select(_ => Started(threads, () => together.SignalAndWait(Patience) ? Thread.CurrentThread : null)).ToList();

        Assert.Equal(2, Done(work).Select(thread => Assert.IsType<Thread>(thread)).Distinct().Count());
    }

    /// <summary>A restore reads ahead, and by leaves at once, from storage that may hang.</summary>
    [Fact]
    public void Work_ahead_is_done_by_them()
    {
        Thread thread;
        bool isOfPool;
        using (var work = new WorkAhead<(Thread Thread, bool IsOfPool)>())
        {
            work.Start(() => (Thread.CurrentThread, Thread.CurrentThread.IsThreadPoolThread));
            (thread, isOfPool) = work.Take();
        }

        Assert.False(isOfPool);
        Assert.True(thread.Join(Patience));
    }

    private static List<T> Done<T>(List<Task<T>> tasks)
    {
        Assert.True(Task.WaitAll([.. tasks], Patience), $"not within {Patience}");
        return [.. tasks.Select(task => task.Result)];
    }

    private static Task<T> Started<T>(ArchiveThreads threads, Func<T> work) =>
        Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.None, threads);
}
