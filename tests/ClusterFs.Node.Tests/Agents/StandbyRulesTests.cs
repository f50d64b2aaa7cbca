using ClusterFs.Lease;
using ClusterFs.Lease.Holder;
using ClusterFs.Lease.Ownership;
using ClusterFs.Node.Agents;
using ClusterFs.Node.Content;
using ClusterFs.Node.Guards;
using ClusterFs.Ownership.Messages;

namespace ClusterFs.Node.Tests.Agents;

public sealed class StandbyRulesTests
{
    private static readonly AgentSettings Settings = new("n2", "wiki", TimeSpan.FromSeconds(5)) { KeepsStandby = true };
    private static readonly Instant Start = new(TimeSpan.FromHours(1), TimeSpan.FromHours(1));
    private static readonly AgentState Idle = new(Settings, Guard(null, closed: 0));

    [Fact]
    public void A_node_looks_for_a_dump_once_and_follows_every_one_that_it_is_told_of()
    {
        Assert.Equal(0, StandbyRules.Next(Idle, Start));
        var state = Follow(Idle, 0, new FollowSeen(null, null, false), Start);
        Assert.Null(StandbyRules.Next(state, Start));

        state = StandbyRules.Tell(state, 12);
        Assert.Equal(12, StandbyRules.Next(state, Start));
        var begun = StandbyRules.Begin(state, Start);
        Assert.Null(StandbyRules.Next(StandbyRules.Tell(begun, 13), Start));
        state = StandbyRules.End(begun, 12, new FollowSeen(Dump(12), null, false), Start);
        Assert.Null(StandbyRules.Next(StandbyRules.Tell(state, 11), Start));
        Assert.Equal(13, StandbyRules.Next(StandbyRules.Tell(state, 13), Start));
    }

    [Fact]
    public void Although_nobody_tells_of_a_dump_the_log_is_looked_at_now_and_then()
    {
        var state = Follow(Idle, 0, new FollowSeen(Dump(12), null, false), Start);
        var every = StandbyRules.LooksEvery(Settings);
        Assert.Null(StandbyRules.Next(state, Start + (every / 2)));
        Assert.Equal(0, StandbyRules.Next(state, Start + every));
        Assert.True(StandbyRules.LooksEvery(Settings with { Pace = ReportPace.Of(1000) }) > TimeSpan.FromMinutes(1));
    }

    [Fact]
    public void What_failed_is_tried_again_after_a_while_and_says_why()
    {
        var state = Follow(StandbyRules.Tell(Idle, 12), 12, new FollowSeen(null, "the disk is full", false), Start);
        Assert.Equal("the disk is full", StandbyRules.Problem(state, Start));
        Assert.Null(StandbyRules.Next(state, Start));
        Assert.Equal(12, StandbyRules.Next(state, Start + StandbyRules.RetryAfter));

        state = Follow(state, 12, new FollowSeen(Dump(12), null, false), Start + StandbyRules.RetryAfter);
        Assert.Null(StandbyRules.Problem(state, Start + StandbyRules.RetryAfter));
    }

    [Fact]
    public void What_failed_without_having_been_told_of_anything_is_tried_again_too()
    {
        var state = Follow(Idle, 0, new FollowSeen(null, "shared storage is away", false), Start);
        Assert.Equal(0, StandbyRules.Next(state, Start + StandbyRules.RetryAfter));
    }

    [Fact]
    public void What_was_cancelled_is_tried_again_at_once_when_it_may()
    {
        var state = Follow(StandbyRules.Tell(Idle, 12), 12, new FollowSeen(null, null, true), Start);
        Assert.Equal(12, StandbyRules.Next(state, Start));
        Assert.Null(StandbyRules.Problem(state, Start));
    }

    [Fact]
    public void Everything_else_comes_first()
    {
        var told = StandbyRules.Tell(Idle, 12);
        Assert.True(StandbyRules.MayFollow(told));
        AgentState[] busy =
        [
            told with { Settings = Settings with { KeepsStandby = false } },
            told with { Stopping = true },
            told with { Work = new Work(WorkKind.KeepDivergent, 3, Start) },
            told with { Guard = null },
            told with { Guard = Guard(LeasePhase.Acquiring, closed: 2) },
            told with { Grant = new GrantOwnership("wiki", 3, 3, "n2", ["n1", "n2", "n3"], TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(1)) },
        ];
        Assert.All(busy, state => Assert.False(StandbyRules.MayFollow(state)));
        Assert.All(busy, state => Assert.Null(StandbyRules.Next(state, Start)));
    }

    [Fact]
    public void An_owner_has_no_copy_and_begins_anew_when_it_is_none_any_more()
    {
        var state = Follow(StandbyRules.Tell(Idle, 12), 12, new FollowSeen(Dump(12), null, false), Start);
        var (owner, _) = AgentRules.Decide(state with { Guard = Guard(LeasePhase.Running, closed: 2) }, Start);
        Assert.Null(owner.Standby.Copy);
        Assert.Null(StandbyRules.Next(owner, Start));
        Assert.Null(StandbyRules.Problem(owner with { Standby = owner.Standby with { Problem = "old" } }, Start));
        Assert.Equal(12, StandbyRules.Next(owner with { Guard = Guard(LeasePhase.Closed, closed: 3) }, Start));
    }

    [Fact]
    public void Following_that_is_not_heard_of_for_long_is_said_to_hang()
    {
        var state = StandbyRules.Begin(Idle, Start);
        Assert.Null(StandbyRules.Problem(state, Start));
        Assert.Equal("its copy waits for those of other services", StandbyRules.Problem(state, Start + StandbyRules.HangsAfter));
        state = StandbyRules.Hear(state, "restoring: 3 %", Start + TimeSpan.FromSeconds(50));
        Assert.Equal("its first copy is being made: restoring: 3 %", StandbyRules.Problem(state, Start + StandbyRules.HangsAfter));
        Assert.Contains(
            "60 s (restoring: 3 %)", StandbyRules.Problem(state, Start + TimeSpan.FromSeconds(50) + StandbyRules.HangsAfter)!, StringComparison.Ordinal);
    }

    private static AgentState Follow(AgentState state, long toldOf, FollowSeen seen, Instant now) =>
        StandbyRules.End(StandbyRules.Begin(state, now), toldOf, seen, now);

    private static DumpSeen Dump(long slot) => new(3, slot, DateTimeOffset.UnixEpoch, 5120);

    private static GuardReport Guard(LeasePhase? phase, long closed) => new(
        true, phase, phase is null ? 0 : 3, phase is null ? 0 : 3, closed, Start + TimeSpan.FromSeconds(4), null, null, null);
}
