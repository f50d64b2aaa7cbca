using ClusterFs.Lease;
using ClusterFs.Lease.Holder;
using ClusterFs.Lease.Ownership;
using ClusterFs.Node.Agents;
using ClusterFs.Node.Guards;
using ClusterFs.Ownership.Messages;

namespace ClusterFs.Node.Tests.Agents;

public sealed class AgentRulesTests
{
    private static readonly AgentSettings Settings = new("n1", "wiki", TimeSpan.FromSeconds(5));
    private static readonly Instant Start = new(TimeSpan.FromHours(1), TimeSpan.FromHours(1));

    [Fact]
    public void Without_the_guard_nothing_is_done() => Assert.Null(Action(new AgentState(Settings, null) { RunsElsewhere = 4 }));

    [Fact]
    public void A_grant_goes_to_the_guard_and_is_told_again_only_after_a_while()
    {
        var state = In(null, epoch: 0) with { Grant = Grant(1) };

        var (told, action) = AgentRules.Decide(state, Start);

        Assert.IsType<UseGrant>(Assert.IsType<TellGuard>(action).Order);
        Assert.Null(AgentRules.Decide(told, Start + TimeSpan.FromMilliseconds(500)).Action);
        Assert.NotNull(AgentRules.Decide(told, Start + AgentRules.TellAgainAfter).Action);
    }

    [Fact]
    public void A_grant_that_the_guard_has_used_up_is_not_told() =>
        Assert.Null(Action(In(LeasePhase.Closed, epoch: 1, closed: 1) with { Grant = Grant(1) }));

    [Fact]
    public void A_grant_for_another_node_is_not_told() =>
        Assert.Null(Action(In(null, epoch: 0) with { Grant = Grant(1) with { Node = "n2" } }));

    [Fact]
    public void A_daemon_that_stops_takes_no_grant() => Assert.Null(Action(In(null, epoch: 0) with { Grant = Grant(1), Stopping = true }));

    [Fact]
    public void A_node_whose_unit_was_stopped_stands_by_again_once_the_service_runs_elsewhere()
    {
        var stopped = In(LeasePhase.Closed, epoch: 3, closed: 3) with { KeptAgainst = 4 };
        stopped = stopped with { Guard = stopped.Guard! with { StoodDown = true } };

        Assert.Null(Action(stopped));
        Assert.Null(Action(stopped with { RunsElsewhere = 3 }));
        var (told, action) = AgentRules.Decide(stopped with { RunsElsewhere = 4 }, Start);
        Assert.Equal(new TellGuard(new StandByAgain(4)), action);
        Assert.Null(AgentRules.Decide(told, Start).Action);
    }

    [Theory]
    [InlineData(LeasePhase.Acquiring)]
    [InlineData(LeasePhase.Held)]
    public void The_content_is_put_in_place_before_the_service_may_start(LeasePhase phase) =>
        Assert.Equal(new BeginWork(WorkKind.TakeOver, 3), Action(In(phase, epoch: 3)));

    [Fact]
    public void A_node_that_cannot_put_the_content_in_place_lets_another_one_try()
    {
        var state = In(LeasePhase.Held, epoch: 3);
        for (var attempt = 0; attempt < AgentRules.TakeOverAttempts; attempt++)
        {
            Assert.True(AgentRules.IsWanted(state, Start));
            (state, var action) = AgentRules.Decide(state with { RetryAt = null }, Start);
            Assert.Equal(new BeginWork(WorkKind.TakeOver, 3), action);
            state = AgentRules.Finish(state, WorkOutcome.Failed, Start);
        }

        Assert.Equal(new TellGuard(new BeginDrain(3)), Action(state));
        Assert.False(AgentRules.IsWanted(state, Start));
        Assert.True(AgentRules.IsWanted(state, Start + AgentRules.StandBackFor));
    }

    [Theory]
    [InlineData(LeasePhase.Held)]
    [InlineData(LeasePhase.Running)]
    public void An_epoch_that_the_archive_has_gone_past_is_ended(LeasePhase phase) =>
        Assert.Equal(new TellGuard(new BeginDrain(3)), Action(In(phase, epoch: 3) with { SupersededEpoch = 3 }));

    [Fact]
    public void A_move_waits_for_its_last_dump_and_a_stop_for_one_that_is_under_way()
    {
        var late = Start + AgentRules.FinalDumpPatience + TimeSpan.FromSeconds(1);
        var drained = In(LeasePhase.Drained, epoch: 3) with { RanEpoch = 3, DrainedAt = Start };

        Assert.Equal(new BeginWork(WorkKind.FinalDump, 3), AgentRules.Decide(drained with { DrainEpoch = 3 }, late).Action);
        Assert.Null(AgentRules.Decide(drained with { Stopping = true, Work = new Work(WorkKind.FinalDump, 3, Start) }, late).Action);
        Assert.Equal(new TellGuard(new CloseEpoch(3)), AgentRules.Decide(drained with { Stopping = true }, late).Action);
    }

    [Fact]
    public void Without_the_guard_nobody_knows_that_nothing_is_left_to_be_ended()
    {
        var (state, _) = AgentRules.Decide(new AgentState(Settings, null) { Stopping = true }, Start);
        Assert.False(AgentRules.IsIdle(state, Start));
        Assert.True(AgentRules.IsIdle(state, Start + AgentRules.StopPatience));
        Assert.True(AgentRules.IsIdle(In(LeasePhase.Closed, epoch: 3, closed: 3), Start));
    }

    [Fact]
    public void Content_in_place_is_reported_once_the_lease_is_held()
    {
        Assert.Equal(new TellGuard(new SayPrepared(3)), Action(In(LeasePhase.Held, epoch: 3) with { PreparedEpoch = 3 }));
        Assert.Null(Action(In(LeasePhase.Acquiring, epoch: 3) with { PreparedEpoch = 3 }));
    }

    [Fact]
    public void Content_of_an_earlier_epoch_is_not_in_place_for_this_one() =>
        Assert.Equal(new BeginWork(WorkKind.TakeOver, 3), Action(In(LeasePhase.Held, epoch: 3) with { PreparedEpoch = 2 }));

    [Fact]
    public void A_running_service_is_dumped_on_schedule_also_when_an_earlier_daemon_prepared_it()
    {
        var (seen, action) = AgentRules.Decide(In(LeasePhase.Running, epoch: 3), Start);
        Assert.Null(action);

        var later = Start + Settings.DumpEvery;
        var (dumping, due) = AgentRules.Decide(seen, later);

        Assert.Equal(new BeginWork(WorkKind.Dump, 3), due);
        Assert.Null(AgentRules.Decide(dumping, later + Settings.DumpEvery).Action);
        var next = AgentRules.Finish(dumping, WorkOutcome.Done, later + (Settings.DumpEvery / 10));
        Assert.Equal(later + Settings.DumpEvery, AgentRules.NextWake(next, later + (Settings.DumpEvery / 2)));
        Assert.Equal(new BeginWork(WorkKind.Dump, 3), AgentRules.Decide(next, later + Settings.DumpEvery).Action);
    }

    /// <summary>A database whose log somebody reads all the time grows it until the disk is full.</summary>
    [Fact]
    public void After_a_dump_that_took_longer_than_the_interval_none_is_taken_for_half_as_long_but_one_that_is_asked_for()
    {
        var dumping = AgentRules.Decide(In(LeasePhase.Running, epoch: 3) with { DumpBegunAt = Start - Settings.DumpEvery }, Start).State;
        var ended = Start + (Settings.DumpEvery * 4);
        var rested = ended + (Settings.DumpEvery * 2);
        var next = AgentRules.Finish(dumping, WorkOutcome.Done, ended);

        Assert.Null(AgentRules.Decide(next, rested - TimeSpan.FromMilliseconds(1)).Action);
        Assert.Equal(rested, AgentRules.NextWake(next, ended));
        Assert.Equal(new BeginWork(WorkKind.Dump, 3), AgentRules.Decide(next, rested).Action);
        Assert.Equal(new BeginWork(WorkKind.Dump, 3), AgentRules.Decide(next with { DumpAsked = true }, ended).Action);
        Assert.Null(AgentRules.Decide(next with { Guard = In(LeasePhase.Closed, epoch: 3, closed: 3).Guard }, ended).State.DumpRestsUntil);
    }

    /// <summary>It may have waited for storage that was away.</summary>
    [Fact]
    public void One_that_took_very_long_is_rested_from_for_a_while_and_one_that_failed_not_at_all()
    {
        var dumping = AgentRules.Decide(In(LeasePhase.Running, epoch: 3) with { DumpBegunAt = Start - Settings.DumpEvery }, Start).State;
        var ended = Start + TimeSpan.FromHours(3);

        Assert.Equal(ended + AgentRules.LongestRest, AgentRules.Finish(dumping, WorkOutcome.Done, ended).DumpRestsUntil);
        Assert.Null(AgentRules.Finish(dumping, WorkOutcome.Failed, ended).DumpRestsUntil);
    }

    [Fact]
    public void A_dump_that_failed_is_tried_again_after_a_while()
    {
        var running = Working(In(LeasePhase.Running, epoch: 3), WorkKind.Dump, 3);

        var failed = AgentRules.Finish(running, WorkOutcome.Failed, Start) with { DumpAsked = true };

        Assert.Null(Action(failed));
        Assert.NotNull(AgentRules.Decide(failed, Start + AgentRules.RetryAfter).Action);
    }

    [Fact]
    public void An_epoch_that_was_superseded_is_never_dumped_again_but_ended()
    {
        var running = Working(In(LeasePhase.Running, epoch: 3), WorkKind.Dump, 3);

        var superseded = AgentRules.Finish(running, WorkOutcome.Superseded, Start) with { DumpAsked = true };

        Assert.Equal(new TellGuard(new BeginDrain(3)), Action(superseded));
    }

    [Fact]
    public void A_move_dumps_first_and_drains_then()
    {
        var moving = In(LeasePhase.Running, epoch: 3) with { DrainEpoch = 3 };
        var (dumping, first) = AgentRules.Decide(moving, Start);
        Assert.Equal(new BeginWork(WorkKind.Dump, 3), first);

        var dumped = AgentRules.Finish(dumping, WorkOutcome.Done, Start);

        Assert.Equal(new TellGuard(new BeginDrain(3)), Action(dumped));
    }

    [Fact]
    public void A_move_waits_for_a_dump_that_fails_and_a_stop_of_the_daemon_only_for_a_while()
    {
        var moving = In(LeasePhase.Running, epoch: 3) with { DrainEpoch = 3 };
        var failed = AgentRules.Finish(Working(moving, WorkKind.Dump, 3), WorkOutcome.Failed, Start);
        Assert.Equal(new BeginWork(WorkKind.Dump, 3), AgentRules.Decide(failed, Start + TimeSpan.FromMinutes(1)).Action);

        var (stopping, _) = AgentRules.Decide(failed with { Stopping = true }, Start);
        Assert.Equal(new TellGuard(new BeginDrain(3)), AgentRules.Decide(stopping, Start + AgentRules.StopPatience).Action);
    }

    [Fact]
    public void A_drain_of_an_earlier_epoch_is_nothing_to_this_one() =>
        Assert.Null(Action(In(LeasePhase.Running, epoch: 3) with { DrainEpoch = 2 }));

    [Fact]
    public void A_dead_service_is_dumped_for_the_last_time_before_its_epoch_is_closed()
    {
        var (dumping, first) = AgentRules.Decide(In(LeasePhase.Drained, epoch: 3), Start);
        Assert.Equal(new BeginWork(WorkKind.FinalDump, 3), first);

        var dumped = AgentRules.Finish(dumping, WorkOutcome.Done, Start);

        Assert.Equal(new TellGuard(new CloseEpoch(3)), Action(dumped));
    }

    [Fact]
    public void A_last_dump_that_hangs_holds_the_epoch_up_only_for_a_while()
    {
        var (hanging, _) = AgentRules.Decide(In(LeasePhase.Drained, epoch: 3), Start);

        Assert.Null(AgentRules.Decide(hanging, Start + AgentRules.HungDumpPatience - TimeSpan.FromSeconds(1)).Action);
        Assert.Equal(new TellGuard(new CloseEpoch(3)), AgentRules.Decide(hanging, Start + AgentRules.HungDumpPatience).Action);
    }

    [Fact]
    public void An_epoch_that_never_ran_is_closed_without_a_dump() =>
        Assert.Equal(new TellGuard(new CloseEpoch(3)), Action(In(LeasePhase.Drained, epoch: 3) with { Grant = Grant(3) }));

    [Fact]
    public void What_is_not_in_the_line_is_kept_once_another_node_runs()
    {
        var elsewhere = In(LeasePhase.Closed, epoch: 3, closed: 3) with { RunsElsewhere = 4 };
        var (keeping, first) = AgentRules.Decide(elsewhere, Start);
        Assert.Equal(new BeginWork(WorkKind.KeepDivergent, 4), first);

        var kept = AgentRules.Finish(keeping, WorkOutcome.Done, Start);

        Assert.Null(Action(kept));
        Assert.NotNull(Action(kept with { RunsElsewhere = 5 }));
    }

    [Fact]
    public void Content_in_use_is_not_kept_as_divergent() =>
        Assert.Null(Action(In(LeasePhase.Stopping, epoch: 3) with { RunsElsewhere = 4 }));

    [Fact]
    public void A_grant_in_place_is_handed_on_while_its_tenure_runs_and_holds_up_no_dump()
    {
        var running = In(LeasePhase.Running, epoch: 3) with { Grant = Grant(4) with { Tenure = 3 }, DumpBegunAt = Start };
        Assert.Equal(new TellGuard(new UseGrant(running.Grant!)), Action(running));
        Assert.Equal(new BeginWork(WorkKind.Dump, 3), Action(running with { DumpAsked = true }));

        var renewed = running with { Guard = running.Guard! with { Epoch = 4 } };
        Assert.Null(Action(renewed));
        Assert.Equal(new BeginWork(WorkKind.Dump, 3), Action(renewed with { DumpAsked = true }));
        Assert.Null(Action(In(LeasePhase.Closed, epoch: 3, closed: 3) with { Grant = running.Grant }));
    }

    [Fact]
    public void An_owner_that_runs_and_is_seen_to_is_settled() => Assert.True(AgentRules.IsSettled(In(LeasePhase.Running, epoch: 3), View("n1", 3), Start));

    [Fact]
    public void A_node_that_waits_beside_an_owner_that_runs_is_settled() =>
        Assert.True(AgentRules.IsSettled(In(LeasePhase.Closed, epoch: 2, closed: 2), View("n2", 3) with { Candidates = ["n1"] }, Start));

    [Fact]
    public void A_node_that_waits_and_is_not_known_to_is_not_settled() =>
        Assert.False(AgentRules.IsSettled(In(LeasePhase.Closed, epoch: 2, closed: 2), View("n2", 3), Start));

    [Fact]
    public void A_node_that_wants_nothing_of_a_vacant_service_is_settled()
    {
        var unwanted = In(null, epoch: 0);
        unwanted = unwanted with { Guard = unwanted.Guard! with { Wanted = false } };

        Assert.True(AgentRules.IsSettled(unwanted, View(null, 0) with { Stage = OwnershipStage.Vacant, Reason = "nothing waits" }, Start));
        Assert.False(AgentRules.IsSettled(In(null, epoch: 0), View(null, 0) with { Stage = OwnershipStage.Vacant, Reason = "nothing waits" }, Start));
    }

    [Fact]
    public void Whatever_is_under_way_is_reported_on_every_second()
    {
        var running = In(LeasePhase.Running, epoch: 3);

        Assert.False(AgentRules.IsSettled(running, null, Start));
        Assert.False(AgentRules.IsSettled(running, View("n1", 3) with { MovingTo = "n2" }, Start));
        Assert.False(AgentRules.IsSettled(running, View("n1", 4), Start));
        Assert.False(AgentRules.IsSettled(running, View("n2", 4), Start));
        Assert.False(AgentRules.IsSettled(running, View("n1", 3) with { Stage = OwnershipStage.Restoring, Reason = "being told" }, Start));
        Assert.False(AgentRules.IsSettled(running, View("n1", 3) with { Reason = "the daemon of n1 does not answer" }, Start));
        Assert.False(AgentRules.IsSettled(running with { Stopping = true }, View("n1", 3), Start));
        Assert.False(AgentRules.IsSettled(running with { Guard = null }, View("n1", 3), Start));
        Assert.False(AgentRules.IsSettled(In(LeasePhase.Held, epoch: 3), View("n1", 3), Start));
        Assert.False(AgentRules.IsSettled(In(LeasePhase.Closed, epoch: 3, closed: 3), View("n1", 3), Start));
    }

    [Fact]
    public void What_is_frozen_is_left_alone_until_the_next_epoch_is_granted_to_this_node_or_it_shall_stop()
    {
        var frozen = In(LeasePhase.Stopping, epoch: 3) with { RunsElsewhere = 4, DumpAsked = true };
        frozen = frozen with { Guard = frozen.Guard! with { IsFrozen = true } };
        Assert.Null(Action(frozen));
        Assert.Null(Action(frozen with { Grant = Grant(3) }));
        Assert.Null(Action(frozen with { Grant = Grant(4) with { Node = "n2" } }));
        Assert.Equal(new TellGuard(new BeginDrain(3)), Action(frozen with { Stopping = true }));
        Assert.Equal(new TellGuard(new BeginDrain(3)), Action(frozen with { DrainEpoch = 3 }));
        Assert.Null(Action(In(LeasePhase.Stopping, epoch: 3) with { Stopping = true }));
    }

    [Fact]
    public void The_next_epoch_begins_when_what_is_frozen_is_dead()
    {
        var frozen = In(LeasePhase.Stopping, epoch: 3) with { Grant = Grant(5) };
        var (ending, first) = AgentRules.Decide(frozen with { Guard = frozen.Guard! with { IsFrozen = true } }, Start);
        Assert.Equal(new TellGuard(new BeginDrain(3)), first);
        var (dying, meanwhile) = AgentRules.Decide(ending with { Guard = frozen.Guard }, Start);
        Assert.Null(meanwhile);

        var dead = dying with { Guard = In(LeasePhase.Closed, epoch: 3, closed: 3).Guard };
        Assert.Equal(new TellGuard(new UseGrant(frozen.Grant!)), AgentRules.Decide(dead, Start).Action);
    }

    [Fact]
    public void What_is_due_is_not_hidden_by_what_was_due_before()
    {
        var running = In(LeasePhase.Running, epoch: 3) with { Told = new SayPrepared(3), ToldAt = Start - TimeSpan.FromMinutes(1), DumpBegunAt = Start };

        Assert.Equal(Start + Settings.DumpEvery, AgentRules.NextWake(running, Start + TimeSpan.FromSeconds(1)));
    }

    [Fact]
    public void A_guard_that_is_gone_wants_nothing_and_what_it_closed_stays_closed()
    {
        var last = In(LeasePhase.Closed, epoch: 3, closed: 3).Guard;

        Assert.Equal(new NodeReport("n1", false, null, 3, 3, null), AgentRules.Report(new AgentState(Settings, null), last, Start));
        Assert.Null(AgentRules.Report(new AgentState(Settings, null), null, Start));
    }

    [Fact]
    public void Handed_over_is_what_was_dumped_to_the_end()
    {
        var closed = In(LeasePhase.Closed, epoch: 3, closed: 3);

        Assert.Equal(0, AgentRules.Report(closed, null, Start)!.HandedOver);
        Assert.Equal(3, AgentRules.Report(closed with { FinishedEpoch = 3 }, null, Start)!.HandedOver);
        Assert.Equal(0, AgentRules.Report(closed with { Grant = Grant(3) }, null, Start)!.HandedOver);
    }

    [Fact]
    public void A_tenure_that_never_ran_is_closed_at_once_unless_a_move_is_to_say_that_nothing_was_lost()
    {
        var drained = In(LeasePhase.Drained, epoch: 3) with { Grant = Grant(3) };

        Assert.Equal(new TellGuard(new CloseEpoch(3)), AgentRules.Decide(drained, Start).Action);
        Assert.Equal(new BeginWork(WorkKind.FinalDump, 3), AgentRules.Decide(drained with { DrainEpoch = 3 }, Start).Action);
    }

    /// <summary>Its storage is away, and so it never ran here: to wait for that storage would keep the service from where it can run.</summary>
    [Fact]
    public void A_move_from_a_node_where_it_never_ran_does_not_wait_for_the_storage_of_that_node()
    {
        var late = Start + AgentRules.FinalDumpPatience + TimeSpan.FromSeconds(1);
        var (drained, _) = AgentRules.Decide(
            In(LeasePhase.Drained, epoch: 3) with { Grant = Grant(3), DrainEpoch = 3, Work = new Work(WorkKind.TakeOver, 3, Start) }, Start);

        Assert.Equal(new TellGuard(new CloseEpoch(3)), AgentRules.Decide(drained, late).Action);
        Assert.Equal(0, AgentRules.Report(drained, null, late)!.HandedOver);
    }

    private static OwnershipView View(string? owner, long epoch) =>
        new("wiki", OwnershipStage.Owned, owner, epoch, epoch, [], null, null, false, []);

    private static AgentState In(LeasePhase? phase, long epoch, long? closed = null) => new(
        Settings, new GuardReport(true, phase, epoch, epoch, closed ?? Math.Max(0, epoch - 1), Start + TimeSpan.FromSeconds(4), null, null, null));

    private static AgentState Working(AgentState state, WorkKind kind, long epoch) => state with { Work = new Work(kind, epoch, Start) };

    private static GrantOwnership Grant(long epoch) =>
        new("wiki", epoch, epoch, "n1", ["n1", "n2", "n3"], TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(1));

    private static AgentAction? Action(AgentState state) => AgentRules.Decide(state, Start).Action;
}
