using System.Collections.Immutable;
using ClusterFs.Lease.Holder;
using ClusterFs.Lease.Ownership;

namespace ClusterFs.Lease.Tests.Ownership;

public sealed class FailbackRulesTests
{
    private static readonly DateTimeOffset Then = DateTimeOffset.UnixEpoch;
    private static readonly TimeOnly Noon = new(12, 0);
    private static readonly ImmutableSortedSet<string> Voters = ["n1", "n2", "n3"];
    private static readonly FailbackPolicy TenMinutes = new(FailbackMode.After) { After = TimeSpan.FromMinutes(10) };
    private static readonly FailbackPolicy AtNight = new(FailbackMode.Window) { From = new TimeOnly(23, 0), Until = new TimeOnly(1, 30) };

    private OwnershipState _state = null!;
    private FailbackWatch _watch = FailbackWatch.Begin;

    [Fact]
    public void It_goes_back_when_its_first_node_has_been_fit_for_the_time()
    {
        Recover(TenMinutes, OnTwo());
        Run(0);
        Assert.Equal((FailbackHindrance.NotLongEnough, TimeSpan.FromMinutes(10)), Look(0));
        Run(300);
        Assert.Equal((FailbackHindrance.NotLongEnough, TimeSpan.FromMinutes(5)), Look(300));
        Run(600);
        Assert.Equal((null, TimeSpan.Zero), Look(600));
    }

    [Fact]
    public void A_break_in_its_fitness_begins_the_time_anew()
    {
        Recover(TenMinutes, OnTwo());
        Run(0);
        Look(0);
        Run(599);
        Feed(new NodeReported(new NodeReport("n1", false, null, 0, 0, null)), 599);
        Assert.Equal(FailbackHindrance.NodeUnfit, Look(599).Hindrance);
        Run(600);
        Assert.Equal((FailbackHindrance.NotLongEnough, TimeSpan.FromMinutes(10)), Look(600));
    }

    [Fact]
    public void Never_and_a_service_at_home_say_nothing_and_manual_waits_for_somebody()
    {
        Recover(FailbackPolicy.Never, OnTwo());
        Run(0);
        Assert.Null(FailbackRules.Look(_state, _watch, true, true, Moments.At(0), Noon).Standing);
        Recover(TenMinutes, Granted(1, "n1"));
        Assert.Null(FailbackRules.Look(_state, _watch, true, true, Moments.At(0), Noon).Standing);
        Recover(new FailbackPolicy(FailbackMode.Manual), OnTwo());
        Run(0);
        Assert.Equal(FailbackHindrance.NotAsked, Look(100_000, run: true).Hindrance);
    }

    [Fact]
    public void Neither_paused_nor_without_a_copy_nor_while_the_owner_is_silent()
    {
        Recover(TenMinutes, OnTwo());
        Run(0);
        Look(0);
        Run(900);
        Assert.Equal(FailbackHindrance.NoCopy, Look(900, hasCopy: false).Hindrance);
        Feed(new PauseRequested(Guid.NewGuid(), true), 900);
        Feed(new Journalled(new OwnershipPaused(Then)), 900);
        Assert.Equal(FailbackHindrance.Paused, Look(900).Hindrance);
        Feed(new Journalled(new OwnershipResumed(Then)), 900);
        Feed(new NodeReported(new NodeReport("n1", true, null, 1, 1, null)), 950);
        Assert.Equal(FailbackHindrance.NotRunning, Look(950).Hindrance);
    }

    [Fact]
    public void One_that_was_given_up_is_tried_again_an_hour_later_and_not_before()
    {
        Recover(TenMinutes, OnTwo());
        Run(0);
        Look(0);
        Run(600);
        Assert.Null(Look(600).Hindrance);
        Feed(new Journalled(new MoveBegun(Then, "n2", "n1", 2) { Why = MoveReason.Failback }), 600);
        Feed(new Journalled(new MoveAbandoned(Then, "n1", "gone")), 601);
        Run(602);
        Assert.Equal(FailbackHindrance.TriedLately, Look(602).Hindrance);
        Assert.Null(Look(600 + 3600, run: true).Hindrance);
    }

    [Fact]
    public void Whoever_recovers_knows_that_it_was_given_up_and_waits_as_long()
    {
        Recover(TenMinutes, [.. OnTwo(), new MoveBegun(Then, "n2", "n1", 2) { Why = MoveReason.Failback }, new MoveAbandoned(Then, "n1", "gone")]);
        Run(0);
        Look(0);
        Assert.Equal(FailbackHindrance.TriedLately, Look(1200, run: true).Hindrance);
        Assert.Null(Look(3600, run: true).Hindrance);
    }

    [Fact]
    public void One_that_did_not_last_is_not_tried_again_until_somebody_has_looked()
    {
        Recover(
            TenMinutes,
            [
                .. OnTwo(),
                new MoveBegun(Then, "n2", "n1", 2) { Why = MoveReason.Failback }, .. Granted(3, "n1", GrantCause.Move), new OwnershipStarted(Then, 3, "n1"),
                .. Granted(4, "n2", GrantCause.Failover), new OwnershipStarted(Then, 4, "n2"), new OwnershipSettled(Then, 4, "n2"),
            ]);
        Run(0, epoch: 4);
        Look(0);
        Assert.Equal(FailbackHindrance.DidNotLast, Look(100_000, run: true, epoch: 4).Hindrance);
        Feed(new PauseRequested(Guid.NewGuid(), false), 100_000);
        Feed(new Journalled(Assert.IsType<OwnershipResumed>(_state.Pending)), 100_000);
        Assert.Null(Look(100_001).Hindrance);
    }

    [Fact]
    public void One_that_was_drawn_away_again_is_not_tried_again_either()
    {
        Recover(
            TenMinutes,
            [
                .. OnTwo(),
                new MoveBegun(Then, "n2", "n1", 2) { Why = MoveReason.Failback }, .. Granted(3, "n1", GrantCause.Move), new OwnershipStarted(Then, 3, "n1"),
                new MoveBegun(Then, "n1", "n2", 3) { Why = MoveReason.Together }, .. Granted(4, "n2", GrantCause.Move), new OwnershipStarted(Then, 4, "n2"),
            ]);
        Run(0, epoch: 4);
        Look(0);
        Assert.Equal(FailbackHindrance.DidNotLast, Look(100_000, run: true, epoch: 4).Hindrance);
    }

    [Fact]
    public void One_that_lasted_is_journalled_and_the_next_occasion_is_a_new_one()
    {
        OwnershipEvent[] back =
        [
            .. OnTwo(), new OwnershipSettled(Then, 2, "n2"),
            new MoveBegun(Then, "n2", "n1", 2) { Why = MoveReason.Failback }, .. Granted(3, "n1", GrantCause.Move), new OwnershipStarted(Then, 3, "n1"),
        ];
        Recover(TenMinutes, back);
        Feed(new NodeReported(new NodeReport("n1", true, LeasePhase.Running, 3, 2, null)), 0);
        Feed(new NodeReported(new NodeReport("n1", true, LeasePhase.Running, 3, 2, null)), 59);
        Assert.Null(_state.Pending);
        Feed(new NodeReported(new NodeReport("n1", true, LeasePhase.Running, 3, 2, null)), 60);
        Assert.Equal(new OwnershipSettled(Then, 3, "n1"), _state.Pending);

        Recover(TenMinutes, [.. back, new OwnershipSettled(Then, 3, "n1"), .. Granted(4, "n2", GrantCause.Failover)]);
        Assert.Null(_state.Record.Failback);
    }

    [Fact]
    public void In_a_window_it_goes_by_the_time_of_day_across_midnight_too()
    {
        Recover(AtNight, OnTwo());
        Run(0);
        Look(0);
        Assert.Equal((FailbackHindrance.OutOfWindow, TimeSpan.FromHours(11)), Look(3600, run: true));
        Run(3601);
        var at = new TimeOnly(0, 30);
        Assert.Null(FailbackRules.Look(_state, _watch, true, true, Moments.At(3601), at).Standing!.Hindrance);
        Assert.Equal(FailbackHindrance.OutOfWindow, FailbackRules.Look(_state, _watch, true, true, Moments.At(3601), new TimeOnly(1, 30)).Standing!.Hindrance);
    }

    private static OwnershipEvent[] OnTwo() => [.. Granted(1, "n1"), .. Granted(2, "n2", GrantCause.Failover)];

    private static OwnershipEvent[] Granted(long epoch, string node, GrantCause cause = GrantCause.Start) =>
    [
        new FencingBegun(Then, epoch, cause),
        new OwnershipGranted(Then, epoch, node, Voters, Moments.Timings.Ttl, Moments.Timings.StopBudget, cause),
    ];

    private void Recover(FailbackPolicy policy, params OwnershipEvent[] events)
    {
        var settings = new OwnershipSettings("wiki", Voters, ["n1", "n2", "n3"], Moments.Timings)
        {
            Failback = policy,
            Damping = new FlapDamping(5, TimeSpan.FromSeconds(60)),
        };
        var record = events.Aggregate(OwnershipRecord.Empty, (sum, happened) => sum.Apply(happened));
        _state = OwnershipMachine.Start(settings, Guid.NewGuid(), record, Moments.At(0));
        _watch = FailbackWatch.Begin;
    }

    /// <summary>The first node waits for the service, which runs on the second.</summary>
    private void Run(double at, long epoch = 2)
    {
        Feed(new NodeReported(new NodeReport("n1", true, LeasePhase.Closed, epoch - 1, epoch - 1, null)), at);
        Feed(new NodeReported(new NodeReport("n2", true, LeasePhase.Running, epoch, epoch - 1, null)), at);
        if (_state.Pending is { } pending)
        {
            Feed(new Journalled(pending), at);
        }
    }

    private (FailbackHindrance? Hindrance, TimeSpan? In) Look(double at, bool hasCopy = true, bool run = false, long epoch = 2)
    {
        if (run)
        {
            Run(at, epoch);
        }

        (_watch, var standing) = FailbackRules.Look(_state, _watch, hasCopy, true, Moments.At(at), Noon);
        return (standing!.Hindrance, standing.In);
    }

    private void Feed(OwnershipInput input, double at) => (_state, _) = OwnershipMachine.Handle(_state, input, Moments.At(at));
}
