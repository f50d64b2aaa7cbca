using System.Collections.Concurrent;
using ClusterFs.Guard.Holding;
using ClusterFs.Lease;
using ClusterFs.Lease.Holder;
using Microsoft.Extensions.Logging.Abstractions;

namespace ClusterFs.Guard.Tests.Holding;

public sealed class HolderShellTests
{
    private static readonly GrantReceived Grant = new("web", 1, 1, ["n1"], new LeaseTimings(TimeSpan.FromMinutes(1), TimeSpan.FromSeconds(1)));

    private readonly ConcurrentQueue<string> _happened = new();

    [Fact]
    public async Task A_grant_is_on_disk_before_anything_is_sent_for_it()
    {
        using var holder = Start(_ => { });

        holder.Post(Grant);

        _ = await Eventually.Is(() => _happened.Contains("renew"), "a renewal");
        Assert.Equal(["persist", "renew"], _happened.Where(what => what != "changed"));
    }

    [Fact]
    public async Task A_grant_that_could_not_be_written_is_not_used_and_may_come_again()
    {
        var fails = true;
        using var holder = Start(_ =>
        {
            if (fails)
            {
                fails = false;
                throw new IOException("disk full");
            }
        });

        holder.Post(Grant);
        _ = await Eventually.Is(() => _happened.Contains("persist"), "an attempt");
        holder.Post(Grant);

        _ = await Eventually.Is(() => _happened.Contains("renew"), "a renewal");
        Assert.Equal(["persist", "persist", "renew"], _happened.Where(what => what != "changed"));
        Assert.Equal(1, holder.State.Durable.Consumed["web"].Epoch);
    }

    private HolderShell Start(Action<DurableHolderState> persist)
    {
        var holder = new HolderShell(
            new HolderState("n1", "boot", Guid.NewGuid(), DurableHolderState.Empty),
            new HolderOutlets(
                state =>
                {
                    _happened.Enqueue("persist");
                    persist(state);
                },
                _ => _happened.Enqueue("renew"),
                _ => _happened.Enqueue("release"),
                _ => _happened.Enqueue("start"),
                _ => _happened.Enqueue("stop"),
                _ => _happened.Enqueue("changed")),
            () => GuardClock.Now,
            NullLogger.Instance);
        holder.Start();
        return holder;
    }
}
