using Akka.Actor;
using Akka.Configuration;
using Akka.Coordination;
using ClusterFs.Ownership.SplitBrain;

namespace ClusterFs.Ownership.Tests.SplitBrain;

/// <summary>Two actor systems that ask for one lease: what the two sides of a partition do.</summary>
public sealed class SqlLeaseTests : IAsyncLifetime
{
    private static readonly TimeSpan HeartbeatTimeout = TimeSpan.FromSeconds(3);
    private readonly ScratchJournal _journal = ScratchJournal.Prepared();
    private readonly List<ActorSystem> _systems = [];

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        foreach (var system in _systems)
        {
            await system.Terminate();
        }

        _journal.Dispose();
    }

    [Fact]
    public async Task What_one_has_the_other_is_refused_until_it_is_released()
    {
        var (one, other) = (LeaseOf("n1"), LeaseOf("n2"));
        Assert.True(await one.Acquire());
        Assert.True(one.CheckLease());
        Assert.False(await other.Acquire());
        Assert.False(other.CheckLease());

        Assert.True(await one.Release());
        Assert.False(one.CheckLease());
        Assert.True(await other.Acquire());
    }

    [Fact]
    public async Task A_holder_that_lives_keeps_it()
    {
        var (one, other) = (LeaseOf("n1"), LeaseOf("n2"));
        Assert.True(await one.Acquire());
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(200));
        var begun = TimeProvider.System.GetTimestamp();
        while (TimeProvider.System.GetElapsedTime(begun) < HeartbeatTimeout * 2)
        {
            Assert.False(await other.Acquire());
            await timer.WaitForNextTickAsync();
        }
    }

    [Fact]
    public async Task A_holder_that_vanished_has_lost_it_after_the_timeout_and_not_before()
    {
        var (one, other) = (LeaseOf("n1"), LeaseOf("n2"));
        Assert.True(await one.Acquire());

        // Ends without a word, as a killed process does.
        await _systems[0].Terminate();
        var vanished = TimeProvider.System.GetTimestamp();
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        while (!await other.Acquire())
        {
            Assert.True(TimeProvider.System.GetElapsedTime(vanished) < HeartbeatTimeout * 5, "it was never given to the other");
            await timer.WaitForNextTickAsync();
        }

        Assert.True(TimeProvider.System.GetElapsedTime(vanished) > HeartbeatTimeout / 2, "it was taken from a holder that might have lived");
    }

    [Fact]
    public async Task The_same_node_may_take_it_again_after_a_restart()
    {
        Assert.True(await LeaseOf("n1").Acquire());
        Assert.True(await LeaseOf("n1").Acquire());
    }

    [Fact]
    public async Task A_holder_whose_row_was_taken_is_told()
    {
        var lost = new TaskCompletionSource<Exception>();
        Assert.True(await LeaseOf("n1").Acquire(lost.SetResult));
        _journal.Execute("update clusterfs_lease set owner = 'n2', beat = 'other'");
        Assert.Contains("another node took", (await lost.Task.WaitAsync(HeartbeatTimeout * 3)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_database_that_does_not_answer_is_a_failure_and_no_refusal()
    {
        var lease = LeaseOf("n1");
        Assert.True(await lease.Acquire());
        _journal.Execute("drop table clusterfs_lease");
        await Assert.ThrowsAsync<LeaseException>(lease.Acquire);
    }

    [Theory]
    [InlineData(null, 0, true)]
    [InlineData("n1", 0, true)]
    [InlineData("n2", 2.9, false)]
    [InlineData("n2", 3, true)]
    public void Who_may_take_it(string? owner, double stoodStill, bool expected) => Assert.Equal(
        expected, SqlLeaseRules.MayTake(new SqlLeaseRow(owner, "beat"), "n1", TimeSpan.FromSeconds(stoodStill), HeartbeatTimeout));

    [Fact]
    public void A_holder_gives_up_before_others_may_take_it()
    {
        Assert.True(SqlLeaseRules.IsHeld(TimeSpan.FromSeconds(2.6), HeartbeatTimeout));
        Assert.False(SqlLeaseRules.IsHeld(TimeSpan.FromSeconds(2.7), HeartbeatTimeout));
    }

    private Akka.Coordination.Lease LeaseOf(string node)
    {
        var config = ConfigurationFactory.ParseString("""
            clusterfs.sql-lease {
              heartbeat-timeout = 3s
              heartbeat-interval = 500ms
              lease-operation-timeout = 2s
            }
            """).WithFallback(OwnershipScene.Config(_journal));
        var system = ActorSystem.Create("node", config);
        _systems.Add(system);
        return LeaseProvider.Get(system).GetLease("resolver", "clusterfs.sql-lease", node);
    }
}
