using System.Globalization;
using ClusterFs.Archive.Lineage;
using ClusterFs.Archive.Threads;

namespace ClusterFs.Archive.Tests.Threads;

/// <summary>
/// Alone in the process: they look at all of its threads. What such a thread does is waited for and never continued: the pool might be short of a thread just
/// then, and one that is started by a thread that gives way does so too, for whatever it does later.
/// </summary>
[CollectionDefinition(nameof(YieldingThreadsTests), DisableParallelization = true)]
[Collection(nameof(YieldingThreadsTests))]
public sealed class YieldingThreadsTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly TestBed _bed = new();

    [Fact]
    public void What_they_do_gives_way_to_others()
    {
        using var threads = new YieldingThreads();
        Assert.Equal(Nicer(Niceness()), Done([Task.Factory.StartNew(Niceness, CancellationToken.None, TaskCreationOptions.None, threads)])[0]);
    }

    /// <summary>A thread that gives way hands that on to those that it starts.</summary>
    [Fact]
    public void Who_gives_them_work_gives_way_too_and_they_give_way_no_more_for_that()
    {
        using var threads = new YieldingThreads();

        var (leads, works) = threads.Lead(() => (
            Niceness(), Done([Task.Factory.StartNew(Niceness, CancellationToken.None, TaskCreationOptions.None, threads)])[0]));

        Assert.Equal((Nicer(Niceness()), Nicer(Niceness())), (leads, works));
    }

    [Fact]
    public void What_the_leading_thread_throws_is_thrown_to_who_waits_for_it()
    {
        using var threads = new YieldingThreads();
        var error = Assert.Throws<IOException>(() => threads.Lead<int>(() => throw new IOException("gone")));
        Assert.Equal("gone", error.Message);
    }

    [Fact]
    public void One_more_than_there_are_processors_work_at_once_and_all_work_is_done()
    {
        using var threads = new YieldingThreads();
        using var together = new Barrier(threads.MaximumConcurrencyLevel);
        var work = Enumerable.Range(0, threads.MaximumConcurrencyLevel * 3).Select(_ => Task.Factory.StartNew(
            () => together.SignalAndWait(Patience), CancellationToken.None, TaskCreationOptions.None, threads)).ToList();

        Assert.DoesNotContain(false, Done(work));

        Assert.Equal(Environment.ProcessorCount + 1, threads.MaximumConcurrencyLevel);
        Assert.Equal(3, together.CurrentPhaseNumber);
    }

    /// <summary>Storage that hangs for one service must not hold up the dumps of the others.</summary>
    [Fact]
    public void What_hangs_in_one_dump_does_not_keep_another_from_its_work()
    {
        using var over = new ManualResetEventSlim();
        using var hung = new YieldingThreads();
        var hanging = Enumerable.Range(0, hung.MaximumConcurrencyLevel)
            .Select(_ => Task.Factory.StartNew(() => over.Wait(Patience * 2), CancellationToken.None, TaskCreationOptions.None, hung)).ToList();
        using var other = new YieldingThreads();

        var done = Task.Factory.StartNew(() => 1, CancellationToken.None, TaskCreationOptions.None, other);
        try
        {
            Assert.Equal([1], Done([done]));
        }
        finally
        {
            over.Set();
            _ = Done(hanging);
        }
    }

    [Fact]
    public void A_dump_beside_the_service_computes_on_them_and_all_that_it_stores_can_be_restored()
    {
        var random = new byte[5 << 20];
        new Random(5).NextBytes(random);
        _bed.TakeOver("n1", 1);
        File.WriteAllBytes(Path.Combine(_bed.Live("n1"), "large"), random);
        IReadOnlyList<int> seen = [];
        int? reading = null;
        using (var content = _bed.Open("n1", point =>
        {
            if (point == "reading")
            {
                reading = Niceness();
            }

            if (point == "captured")
            {
                seen = NicenessOfDumps();
            }
        }))
        {
            Assert.IsType<DumpResult.Committed>(content.Dump(1, CancellationToken.None));
        }

        Assert.Equal(Nicer(Niceness()), reading);
        Assert.NotEmpty(seen);
        Assert.All(seen, niceness => Assert.Equal(Nicer(Niceness()), niceness));
        _bed.TakeOver("n2", 2);
        Assert.Equal(random, File.ReadAllBytes(Path.Combine(_bed.Live("n2"), "large")));
    }

    public void Dispose() => _bed.Dispose();

    /// <summary>19 is the nicest there is.</summary>
    private static int Nicer(int niceness) => Math.Min(19, niceness + YieldingThreads.Niceness);

    private static List<T> Done<T>(List<Task<T>> tasks)
    {
        Assert.True(Task.WaitAll([.. tasks], Patience), $"not within {Patience}");
        return [.. tasks.Select(task => task.Result)];
    }

    private static List<int> NicenessOfDumps()
    {
        var found = new List<int>();
        foreach (var thread in Directory.GetDirectories("/proc/self/task"))
        {
            try
            {
                if (File.ReadAllText(Path.Combine(thread, "comm")).TrimEnd() == YieldingThreads.Name)
                {
                    found.Add(NicenessOf(thread));
                }
            }
            catch (IOException)
            {
                // It has ended since.
            }
        }

        return found;
    }

    private static int Niceness() => NicenessOf("/proc/thread-self");

    /// <summary>The 19th field of proc_pid_stat(5); the second may have spaces in it.</summary>
    private static int NicenessOf(string thread)
    {
        var stat = File.ReadAllText(Path.Combine(thread, "stat"));
        return int.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[16], CultureInfo.InvariantCulture);
    }
}
