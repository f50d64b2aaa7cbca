using ClusterFs.Archive.Rehearsal;
using ClusterFs.Lease;
using ClusterFs.Lease.Holder;
using ClusterFs.Node.Agents;
using ClusterFs.Node.Content;
using ClusterFs.Node.Guards;
using ClusterFs.Ownership.Messages;

namespace ClusterFs.Node.Tests.Agents;

public sealed class RehearsalRulesTests
{
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);
    private static readonly RehearsalPace Pace = new(Day, Place: 1, Nodes: 3);
    private static readonly Instant Start = new(TimeSpan.FromHours(100), TimeSpan.FromHours(100));
    private static readonly AgentSettings Settings = new("n2", "wiki", TimeSpan.FromSeconds(5)) { KeepsStandby = true, Rehearsal = Pace };

    /// <summary>n1 runs the service, and this node has a copy of a dump of it.</summary>
    private static readonly AgentState Idle = new(Settings, Guard(null))
    {
        RunsElsewhere = 3,
        Standby = StandbyState.Unknown with { ToldOf = 12, Copy = new DumpSeen(3, 12, DateTimeOffset.UnixEpoch, 5120) },
    };

    private static readonly AgentState Due = Remember(Idle, RehearsalHistory.None);

    [Fact]
    public void Nothing_begins_before_it_is_known_how_the_ones_before_went()
    {
        Assert.False(RehearsalRules.IsDue(Idle, Start + (100 * Day)));
        Assert.True(RehearsalRules.IsDue(Due, Start + Hour));
    }

    [Fact]
    public void The_first_ones_of_the_nodes_are_apart_and_none_is_later_than_an_hour()
    {
        TimeSpan[] turns = [.. Enumerable.Range(0, 3).Select(place => RehearsalRules.TurnAfter(Pace with { Place = place }))];
        Assert.Equal([Hour / 3, Hour / 3 * 2, Hour], turns);
        Assert.False(RehearsalRules.IsDue(Due, Start + turns[1] - Minute));
        Assert.True(RehearsalRules.IsDue(Due, Start + turns[1]));
        Assert.Equal(TimeSpan.FromSeconds(20), RehearsalRules.TurnAfter(new RehearsalPace(TimeSpan.FromSeconds(30), Place: 1, Nodes: 3)));
    }

    [Theory]
    [InlineData(true, 0, 24)]
    [InlineData(true, 20, 4)]
    [InlineData(true, 24, 2 / 3d)]
    [InlineData(true, 1000, 2 / 3d)]
    [InlineData(true, -1000, 2 / 3d)]
    [InlineData(false, 0, 1)]
    [InlineData(false, 0.1, 0.9)]
    [InlineData(false, 5, 2 / 3d)]
    public void A_restart_of_the_daemon_does_not_begin_the_interval_anew(bool passed, double hoursAgo, double hoursToGo)
    {
        var state = RehearsalRules.Remember(Idle, RehearsalHistory.None.With(Report(passed)), TimeSpan.FromHours(hoursAgo), Start);
        var due = Start + TimeSpan.FromHours(hoursToGo);
        Assert.False(RehearsalRules.IsDue(state, due - Minute));
        Assert.True(RehearsalRules.IsDue(state, due));
    }

    [Fact]
    public void One_at_the_command_line_counts_and_looking_again_does_not()
    {
        var state = Remember(Remember(Idle, RehearsalHistory.None), RehearsalHistory.None.With(Report(true)), Start + (Hour / 2));
        Assert.False(RehearsalRules.IsDue(state, Start + Day));
        state = Remember(state, state.Rehearsal.History, Start + Day);
        Assert.True(RehearsalRules.IsDue(state, Start + Day + Hour));
    }

    [Fact]
    public void The_next_comes_after_the_interval_or_sooner_where_it_failed_or_was_cancelled()
    {
        var now = Start + Hour;
        Expect(new RehearsalSeen(Report(true), null), Day);
        Expect(new RehearsalSeen(Report(false), null), Hour);
        Expect(new RehearsalSeen(null, "the disk is gone"), Hour);
        Expect(new RehearsalSeen(null, null), Minute);

        void Expect(RehearsalSeen seen, TimeSpan wait)
        {
            var state = RehearsalRules.End(RehearsalRules.Begin(Due, now), seen, now);
            Assert.False(RehearsalRules.IsDue(state, now + wait - TimeSpan.FromSeconds(1)));
            Assert.True(RehearsalRules.IsDue(state, now + wait));
        }
    }

    [Fact]
    public void One_at_a_time() => Assert.False(RehearsalRules.IsDue(RehearsalRules.Begin(Due, Start + Hour), Start + (100 * Day)));

    [Fact]
    public void Everything_else_comes_first()
    {
        var now = Start + Hour;
        Assert.True(RehearsalRules.MayRehearse(Due));
        AgentState[] busy =
        [
            Due with { Settings = Settings with { Rehearsal = null } },
            Due with { Stopping = true },
            Due with { Work = new Work(WorkKind.KeepDivergent, 3, Start) },
            Due with { Guard = null },
            Due with { Guard = Guard(LeasePhase.Acquiring) },
            Due with { Guard = Guard(LeasePhase.Running) },
            Due with { Grant = new GrantOwnership("wiki", 4, 4, "n2", ["n1", "n2", "n3"], TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(1)) },

            // Nobody runs it, or it is about to change hands: this node may be the next.
            Due with { RunsElsewhere = 0 },

            // There is nothing to restore, or the copy that a takeover needs is not made yet.
            Due with { Standby = Due.Standby with { ToldOf = 0 } },
            Due with { Standby = Due.Standby with { Copy = null } },
        ];
        Assert.All(busy, state => Assert.False(RehearsalRules.MayRehearse(state)));
        Assert.All(busy, state => Assert.False(RehearsalRules.IsDue(state, now)));
        Assert.True(RehearsalRules.IsDue(Due with { Standby = Due.Standby with { Copy = null, Problem = "no room" } }, now));
        Assert.True(RehearsalRules.IsDue(
            Due with { Settings = Settings with { KeepsStandby = false }, Standby = StandbyState.Unknown with { ToldOf = 12 } }, now));
    }

    [Fact]
    public void It_waits_for_that_of_another_node_but_not_for_ever()
    {
        var due = Start + RehearsalRules.TurnAfter(Pace);
        var state = RehearsalRules.Tell(Due, [Sight("n1", underWay: true)], Minute);
        Assert.False(RehearsalRules.IsDue(state, due));
        Assert.True(RehearsalRules.IsDue(RehearsalRules.Tell(state, [Sight("n1", underWay: false)], Minute), due));
        Assert.True(RehearsalRules.IsDue(RehearsalRules.Tell(state, [Sight("n2", underWay: true)], Minute), due));
        Assert.True(RehearsalRules.IsDue(RehearsalRules.Tell(state, [Sight("n1", underWay: true) with { AgeSeconds = 61 }], Minute), due));
        Assert.False(RehearsalRules.IsDue(state, due + (Day / 4) - Minute));
        Assert.True(RehearsalRules.IsDue(state, due + (Day / 4)));
    }

    [Fact]
    public void What_is_shown_is_the_last_success_and_what_is_wrong_since()
    {
        Assert.Null(RehearsalRules.Show(Due, Start));
        var passed = Report(true) with { Sequence = 11, RestoreSeconds = 1.5, CheckSeconds = 0.25 };
        var state = End(Due, new RehearsalSeen(passed, null));
        Assert.Equal(new RehearsalSight(11, passed.At, 1.75, true, null, null, false), RehearsalRules.Show(state, Start));

        var failed = Report(false);
        state = End(state, new RehearsalSeen(failed, null));
        Assert.Equal(new RehearsalSight(11, passed.At, 1.75, true, "dump #12: exit code 3", failed.At, false), RehearsalRules.Show(state, Start));

        // Cancelled says nothing new.
        Assert.Equal(RehearsalRules.Show(state, Start), RehearsalRules.Show(End(state, new RehearsalSeen(null, null)), Start));
        Assert.Equal("no such disk", RehearsalRules.Show(End(state, new RehearsalSeen(null, "no such disk")), Start)!.Problem);
        Assert.Null(RehearsalRules.Show(End(state, new RehearsalSeen(passed, null)), Start)!.Problem);
    }

    [Fact]
    public void None_that_went_well_for_twice_the_interval_is_a_problem_where_there_could_have_been_one()
    {
        Assert.Null(RehearsalRules.Show(Due, Start + (2 * Day) - Minute));
        Assert.Contains("twice", RehearsalRules.Show(Due, Start + (2 * Day))!.Problem!, StringComparison.Ordinal);
        Assert.Null(RehearsalRules.Show(Due with { RunsElsewhere = 0 }, Start + (2 * Day)));

        // Those that are cancelled again and again do not put it off, one that goes well does, and one that failed is what is said.
        var cancelled = RehearsalRules.End(RehearsalRules.Begin(Due, Start + Day), new RehearsalSeen(null, null), Start + Day);
        Assert.NotNull(RehearsalRules.Show(cancelled, Start + (2 * Day)));
        var passed = End(Due, new RehearsalSeen(Report(true), null));
        Assert.Null(RehearsalRules.Show(passed, Start + (2 * Day) - Minute)!.Problem);
        Assert.NotNull(RehearsalRules.Show(passed, Start + (2 * Day))!.Problem);
        Assert.Equal("dump #12: exit code 3", RehearsalRules.Show(End(Due, new RehearsalSeen(Report(false), null)), Start + (9 * Day))!.Problem);

        // By a daemon before this one.
        var remembered = RehearsalRules.Remember(Idle, RehearsalHistory.None.With(Report(true)), Hour, Start);
        Assert.Null(RehearsalRules.Show(remembered, Start + (2 * Day) - Hour - Minute)!.Problem);
        Assert.NotNull(RehearsalRules.Show(remembered, Start + (2 * Day) - Hour)!.Problem);
    }

    [Fact]
    public void A_restore_that_does_not_come_on_is_said_to_hang_and_one_that_waits_or_is_checked_is_not()
    {
        var state = RehearsalRules.Begin(Due, Start);
        var later = Start + RehearsalRules.HangsAfter;
        Assert.Null(RehearsalRules.Show(state, later));
        state = RehearsalRules.Hear(state, "restored 3 of 9 bytes", Start);
        Assert.Equal((null, true), (RehearsalRules.Show(state, Start)!.Problem, RehearsalRules.Show(state, Start)!.UnderWay));
        Assert.Contains("60 s (restored 3 of 9 bytes)", RehearsalRules.Show(state, later)!.Problem!, StringComparison.Ordinal);
        Assert.Equal((true, false), (RehearsalRules.Show(state, later)!.Hangs, RehearsalRules.Show(state, Start)!.Hangs));
        Assert.Null(RehearsalRules.Show(RehearsalRules.Hear(state, null, Start), later + Hour)!.Problem);
        Assert.Null(RehearsalRules.Show(End(state, new RehearsalSeen(null, null)), later));
    }

    private static AgentState End(AgentState state, RehearsalSeen seen) => RehearsalRules.End(RehearsalRules.Begin(state, Start), seen, Start);

    private static AgentState Remember(AgentState state, RehearsalHistory history, Instant? now = null) =>
        RehearsalRules.Remember(state, history, TimeSpan.Zero, now ?? Start);

    private static RehearsalReport Report(bool passed) => new(12, DateTimeOffset.UnixEpoch, 5120, 1, null, passed ? null : "exit code 3");

    private static NodeSight Sight(string node, bool underWay) =>
        NodeSight.Nothing(node) with { Rehearsal = new RehearsalSight(0, null, 0, false, null, null, underWay) };

    private static GuardReport Guard(LeasePhase? phase) => new(
        true, phase, phase is null ? 0 : 4, phase is null ? 0 : 4, 2, Start + TimeSpan.FromSeconds(4), null, null, null);
}
