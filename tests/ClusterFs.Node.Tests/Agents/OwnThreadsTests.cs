using ClusterFs.Node.Agents;

namespace ClusterFs.Node.Tests.Agents;

public sealed class OwnThreadsTests
{
    [Fact]
    public async Task No_more_than_allowed_run_at_once_and_all_have_their_turn()
    {
        var threads = new OwnThreads(2);
        var (running, most) = (0, 0);
        using var gate = new SemaphoreSlim(0);
        var work = Enumerable.Range(0, 6).Select(number => threads.Run(() =>
        {
            most = Math.Max(most, Interlocked.Increment(ref running));
            gate.Wait();
            _ = Interlocked.Decrement(ref running);
            return number;
        })).ToList();

        _ = gate.Release(6);

        var done = await Task.WhenAll(work);
        Assert.Equal([0, 1, 2, 3, 4, 5], done);
        Assert.InRange(most, 1, 2);
    }

    [Fact]
    public async Task Work_that_fails_gives_its_turn_to_the_next()
    {
        var threads = new OwnThreads(1);

        _ = await Assert.ThrowsAsync<IOException>(() => threads.Run<int>(() => throw new IOException("gone")));

        Assert.Equal(1, await threads.Run(() => 1));
    }

    [Fact]
    public async Task Nobody_waits_for_work_that_hangs_but_who_shares_its_turns()
    {
        var (archives, content) = (new OwnThreads(1), new OwnThreads(1));
        using var gate = new SemaphoreSlim(0);
        var hung = archives.Run(() => { gate.Wait(); return 1; });

        Assert.Equal(2, await content.Run(() => 2));
        Assert.False(hung.IsCompleted);
        _ = gate.Release();
        Assert.Equal(1, await hung);
    }
}
