using System.Collections.Immutable;
using ClusterFs.Guard.Voting;
using ClusterFs.Lease;
using ClusterFs.Lease.Voter;
using Microsoft.Extensions.Logging.Abstractions;

namespace ClusterFs.Guard.Tests.Voting;

public sealed class VoterShellTests
{
    private static readonly TimeSpan Ttl = TimeSpan.FromSeconds(5);
    private static readonly Instant Now = new(TimeSpan.FromHours(1), TimeSpan.FromHours(1));

    [Fact]
    public async Task An_answer_leaves_only_after_the_floor_is_on_disk()
    {
        using var written = new ManualResetEventSlim();
        using var writing = new SemaphoreSlim(0);
        using var voter = Shell(state =>
        {
            _ = writing.Release();
            _ = written.Wait(Eventually.Limit);
        });

        var answer = voter.AskAsync(Fence(1));
        Assert.True(await writing.WaitAsync(Eventually.Limit));
        Assert.False(answer.IsCompleted);
        Assert.Equal(Binding.None, voter.State.Durable.Floors["web"]);

        written.Set();
        Assert.Equal(FenceOutcome.Raised, ((FenceReply)await answer).Outcome);
        Assert.Equal(new Binding(1, null), voter.State.Durable.Floors["web"]);
    }

    [Fact]
    public async Task A_floor_that_could_not_be_written_is_neither_answered_nor_remembered()
    {
        var fails = true;
        using var voter = Shell(_ =>
        {
            if (fails)
            {
                throw new IOException("disk full");
            }
        });

        _ = await Assert.ThrowsAsync<VoterFailedException>(() => voter.AskAsync(Fence(1)));
        Assert.Equal(Binding.None, voter.State.Durable.Floors["web"]);

        fails = false;
        Assert.Equal(FenceOutcome.Raised, ((FenceReply)await voter.AskAsync(Fence(1))).Outcome);
    }

    [Fact]
    public async Task Requests_that_wait_together_share_one_write_and_a_full_disk_fails_only_those_that_need_it()
    {
        var writes = 0;
        var isFull = false;
        using var first = new ManualResetEventSlim();
        using var voter = Shell(state =>
        {
            if (Interlocked.Increment(ref writes) == 1)
            {
                _ = first.Wait(Eventually.Limit);
            }

            if (isFull)
            {
                throw new IOException("disk full");
            }
        });
        var opening = voter.AskAsync(Fence(1));
        _ = await Eventually.Is(() => Volatile.Read(ref writes) == 1, "the first write");
        var waiting = Enumerable.Range(2, 50).Select(epoch => voter.AskAsync(Fence(epoch))).ToList();
        first.Set();
        _ = await opening;
        Assert.All(await Task.WhenAll(waiting), reply => Assert.Equal(FenceOutcome.Raised, ((FenceReply)reply).Outcome));
        Assert.Equal(2, writes);
        Assert.Equal(new Binding(51, null), voter.State.Durable.Floors["web"]);

        first.Reset();
        writes = 0;
        opening = voter.AskAsync(Fence(52));
        _ = await Eventually.Is(() => Volatile.Read(ref writes) == 1, "the write before");
        var fence = voter.AskAsync(Fence(53));
        var probe = voter.AskAsync(new Probe("web", Guid.NewGuid()));
        isFull = true;
        first.Set();
        _ = await Assert.ThrowsAsync<VoterFailedException>(() => opening);
        _ = await Assert.ThrowsAsync<VoterFailedException>(() => fence);
        Assert.Equal(new Binding(51, null), ((ProbeReply)await probe).Floor);
    }

    private static Fence Fence(long epoch) => new("web", epoch, OverPromises: false, Guid.NewGuid());

    private static VoterShell Shell(Action<DurableVoterState> persist) => new(
        new VoterState("n1", Now - (Ttl * 2), new DurableVoterState(
            Guid.NewGuid(), Ttl, ImmutableSortedDictionary.Create<string, Binding>(StringComparer.Ordinal).Add("web", Binding.None))),
        persist,
        () => Now,
        NullLogger.Instance);
}
