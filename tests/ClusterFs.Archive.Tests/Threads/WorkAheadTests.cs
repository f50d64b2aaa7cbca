using ClusterFs.Archive.Threads;

namespace ClusterFs.Archive.Tests.Threads;

public sealed class WorkAheadTests
{
    [Fact]
    public void Results_come_in_the_order_of_the_start_with_what_was_thrown()
    {
        using var work = new WorkAhead<int>();
        work.Start(() => 1);
        work.Start(() => throw new IOException("second"));
        work.Start(() => 3);
        Assert.Equal(1, work.Take());
        Assert.Equal("second", Assert.Throws<IOException>(() => work.Take()).Message);
        Assert.Equal(3, work.Take());
        Assert.Equal(0, work.Count);
    }

    [Fact]
    public void Disposed_it_waits_for_what_has_begun_and_minds_no_failure()
    {
        using var begun = new ManualResetEventSlim();
        using var gate = new ManualResetEventSlim();
        var ended = false;
        var opener = new Thread(gate.Set);
        using (var work = new WorkAhead<int>())
        {
            work.Start(() =>
            {
                begun.Set();
                gate.Wait();
                ended = true;
                return 0;
            });
            work.Start(() => throw new IOException("of no use any more"));
            begun.Wait();
            opener.Start();
        }

        Assert.True(ended);
        opener.Join();
    }
}
