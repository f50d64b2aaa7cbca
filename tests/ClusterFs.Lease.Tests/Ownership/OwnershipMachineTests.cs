using System.Collections.Immutable;
using ClusterFs.Lease.Holder;
using ClusterFs.Lease.Ownership;
using ClusterFs.Lease.Voter;

namespace ClusterFs.Lease.Tests.Ownership;

public sealed class OwnershipMachineTests
{
    private const string Wiki = "wiki";
    private static readonly DateTimeOffset Then = DateTimeOffset.UnixEpoch;
    private static readonly ImmutableSortedSet<string> Voters = ["n1", "n2", "n3"];
    private static readonly OwnershipSettings Settings = new(Wiki, Voters, ["n1", "n2", "n3"], Moments.Timings);
    private OwnershipState _state = null!;
    private ImmutableArray<OwnershipEffect> _effects = [];

    [Fact]
    public void The_intent_is_journalled_before_any_floor_moves_and_the_grant_before_anyone_hears_of_it()
    {
        Recover();
        Feed(Waiting("n1"), 100);
        var intent = Assert.IsType<FencingBegun>(Assert.IsType<Journal>(Assert.Single(_effects)).Event);
        Feed(new Journalled(intent), 100.1);
        Assert.Equal(3, _effects.OfType<AskVoter>().Count(ask => ask.Request is Fence { Epoch: 1 }));

        RaiseAt("n1", 100.2);
        Assert.Empty(_effects);
        RaiseAt("n2", 100.2);
        Assert.Equal(new ReserveEpoch(1, "n1"), Assert.Single(_effects));
        Feed(new EpochReserved(1, "n1", true), 100.3);
        var grant = Assert.IsType<OwnershipGranted>(Assert.IsType<Journal>(Assert.Single(_effects)).Event);
        Feed(new Journalled(grant), 100.4);
        Assert.Equal(new TellGrant("n1", grant, 1), Assert.Single(_effects));
    }

    [Fact]
    public void The_longest_remaining_promise_is_waited_out()
    {
        Recover();
        Feed(Waiting("n1"), 100);
        Feed(new Journalled(new FencingBegun(Then, 1, GrantCause.Start)), 100);
        RaiseAt("n1", 100, remaining: 1);
        RaiseAt("n2", 100, remaining: 3);
        Feed(Waiting("n1"), 102.9);
        Assert.Empty(_effects.OfType<ReserveEpoch>());
        Feed(Waiting("n1"), 103);
        Assert.IsType<ReserveEpoch>(Assert.Single(_effects));
    }

    [Fact]
    public void A_promise_that_was_released_after_the_fence_is_not_waited_out()
    {
        Recover(Granted(1, "n1"), new OwnershipReleased(Then, 1, "n1", "a planned stop"));
        Feed(Waiting("n2"), 100);
        Feed(new Journalled(new FencingBegun(Then, 2, GrantCause.Move)), 100);
        RaiseAt("n1", 100);
        RaiseAt("n2", 100, remaining: 4.6);
        Feed(Waiting("n2"), 101.2);
        Assert.Empty(_effects);
        Feed(Waiting("n2"), 101.3);
        Assert.Equal(["n2", "n3"], _effects.OfType<AskVoter>().Select(ask => ask.Voter));
        RaiseAt("n2", 101.4);
        Assert.IsType<ReserveEpoch>(Assert.Single(_effects));
    }

    [Fact]
    public void The_earliest_end_that_a_voter_told_bounds_its_promise()
    {
        Recover();
        Feed(Waiting("n1"), 100);
        Feed(new Journalled(new FencingBegun(Then, 1, GrantCause.Start)), 100);
        RaiseAt("n1", 100);
        RaiseAt("n2", 100, remaining: 1);
        RaiseAt("n2", 100.9, remaining: 5);
        Feed(Waiting("n1"), 101);
        Assert.IsType<ReserveEpoch>(Assert.Single(_effects));
    }

    [Fact]
    public void A_voter_that_a_majority_can_do_without_is_not_waited_for()
    {
        Recover();
        Feed(Waiting("n1"), 100);
        Feed(new Journalled(new FencingBegun(Then, 1, GrantCause.Start)), 100);
        RaiseAt("n1", 100, remaining: 4.6);
        RaiseAt("n2", 100);
        Assert.Empty(_effects.OfType<ReserveEpoch>());
        RaiseAt("n3", 100);
        Assert.Single(_effects.OfType<ReserveEpoch>());
    }

    [Fact]
    public void A_grant_that_no_voter_has_acked_is_given_a_ttl_after_a_recovery()
    {
        Recover(Granted(1, "n1"));
        Feed(Waiting("n2"), 100);
        foreach (var voter in Voters)
        {
            Answer(voter, Nonce(), 0, 100.1, new Binding(1, null));
        }

        Assert.Empty(_effects.OfType<Journal>());
        Feed(Waiting("n2"), 104.9);
        Assert.Empty(_effects.OfType<Journal>());
        Feed(Waiting("n2"), 105);
        Answer("n2", Nonce(), 0, 105.1, new Binding(1, null));
        Answer("n3", Nonce(), 0, 105.1, new Binding(1, null));
        Assert.Equal(2, Assert.IsType<FencingBegun>(Assert.Single(_effects.OfType<Journal>()).Event).Epoch);
    }

    [Fact]
    public void A_grant_that_a_majority_acked_and_promises_no_more_is_over_though_the_recovery_was_just_now()
    {
        Recover(Granted(1, "n1"));
        Feed(Waiting("n2"), 100);
        Answer("n2", Nonce(), 0, 100.1);
        Assert.Empty(_effects.OfType<Journal>());
        Answer("n3", Nonce(), 0, 100.1);
        Assert.Equal(2, Assert.IsType<FencingBegun>(Assert.Single(_effects.OfType<Journal>()).Event).Epoch);
    }

    [Fact]
    public void Only_a_majority_of_one_fresh_round_proves_an_expiry()
    {
        Recover(Granted(1, "n1"));
        Feed(Waiting("n2"), 105);
        var old = Nonce();
        Answer("n2", old, 0, 105.1);
        Feed(Waiting("n2"), 107);
        var fresh = Nonce();
        Assert.NotEqual(old, fresh);
        Answer("n3", old, 0, 107.1);
        Assert.Empty(_effects.OfType<Journal>());
        Answer("n3", fresh, 0, 107.2);
        Answer("n2", fresh, 0, 107.2);
        Assert.Equal(2, Assert.IsType<FencingBegun>(Assert.Single(_effects.OfType<Journal>()).Event).Epoch);
    }

    [Fact]
    public void A_voter_that_renewed_since_ends_the_fence_and_what_was_answered_before_it()
    {
        Recover(Granted(1, "n1"));
        Expire(n1: 0);
        Refuse("n1", 5, 105.2);
        Assert.Empty(_effects);
        Assert.Null(_state.Fencing);
        Feed(Waiting("n2"), 105.3);
        Assert.Empty(_effects);
    }

    [Fact]
    public void A_voter_that_promised_before_the_fence_does_not_end_it()
    {
        Recover(Granted(1, "n1"));
        Expire(n1: 4);
        Refuse("n1", 4, 105.2);
        Assert.Empty(_effects);
        RaiseAt("n2", 105.3);
        RaiseAt("n3", 105.3);
        Assert.IsType<ReserveEpoch>(Assert.Single(_effects));
    }

    [Fact]
    public void A_voter_that_was_silent_and_restarted_does_not_end_the_fence()
    {
        Recover(Granted(1, "n1"));
        Expire(n1: null);
        Refuse("n1", 5, 105.2);
        Assert.Empty(_effects);
        RaiseAt("n2", 105.3);
        RaiseAt("n3", 105.3);
        Assert.IsType<ReserveEpoch>(Assert.Single(_effects));
    }

    [Fact]
    public void A_voter_that_renewed_since_ends_the_fence_also_when_the_question_is_long_ago()
    {
        Recover(Granted(1, "n1"));
        Expire(n1: null);
        RaiseAt("n2", 105.2);
        Feed(Waiting("n2"), 107);
        Assert.Null(_state.Probing);
        Refuse("n3", 5, 107.1);
        Assert.Null(_state.Fencing);
    }

    [Fact]
    public void A_majority_that_still_promises_is_asked_again_when_it_may_have_ended()
    {
        Recover(Granted(1, "n1"));
        Feed(Waiting("n2"), 105);
        var nonce = Nonce();
        Answer("n1", nonce, 3, 105);
        Answer("n2", nonce, 4, 105);
        Answer("n3", nonce, 0, 105);
        Assert.Empty(_effects.OfType<Journal>());
        Assert.Equal(Moments.At(108), OwnershipMachine.NextWake(_state, Moments.At(105)));
    }

    [Fact]
    public void A_voter_that_knows_more_sends_the_actor_back_to_the_journal()
    {
        Recover();
        Feed(Waiting("n1"), 100);
        Feed(new Journalled(new FencingBegun(Then, 1, GrantCause.Start)), 100);
        var fence = _effects.OfType<AskVoter>().Select(ask => ask.Request).OfType<Fence>().First();
        Feed(new VoterAnswered(new FenceReply(
            Wiki, "n2", Guid.Empty, fence.Nonce, 1, FenceOutcome.BelowFloor, new Binding(4, "n3"), TimeSpan.Zero)), 100);
        Assert.IsType<RecoverAgain>(Assert.Single(_effects));
    }

    [Fact]
    public void A_voter_without_state_is_told_its_floor_only_after_the_journal_has_it()
    {
        Recover(Granted(3, "n1"));
        Feed(Waiting("n2"), 105);
        var identity = Guid.NewGuid();
        Feed(new VoterAnswered(new ProbeReply(Wiki, "n3", identity, Nonce(), true, Binding.None, TimeSpan.Zero)), 105);
        var joined = Assert.IsType<VoterJoined>(Assert.IsType<Journal>(Assert.Single(_effects)).Event);
        Feed(new Journalled(joined), 105);
        var join = Assert.Single(_effects.OfType<AskVoter>().Select(ask => ask.Request).OfType<Join>());
        Assert.Equal((identity, new Binding(3, "n1")), (join.Identity, join.Floor));
    }

    [Fact]
    public void A_voter_that_may_not_join_yet_is_asked_again_with_each_report_until_it_has()
    {
        var identity = Guid.NewGuid();
        Recover(Granted(3, "n1"), new VoterJoined(Then, "n3", identity));
        Feed(Running("n1", 3), 100);
        Assert.Empty(Joins());
        Feed(new VoterAnswered(new JoinReply(Wiki, "n3", identity, false)), 100.1);
        Feed(Running("n1", 3), 101);
        Assert.Equal(identity, Assert.Single(Joins()).Identity);

        var another = Guid.NewGuid();
        Feed(new VoterAnswered(new JoinReply(Wiki, "n3", another, false)), 101.1);
        Feed(Running("n1", 3), 102);
        var joined = Assert.IsType<VoterJoined>(Assert.Single(_effects.OfType<Journal>()).Event);
        Assert.Equal(another, joined.Identity);
        Feed(new Journalled(joined), 102.1);
        Feed(new VoterAnswered(new JoinReply(Wiki, "n3", another, true)), 102.2);
        Feed(Running("n1", 3), 103);
        Assert.Empty(Joins());

        IEnumerable<Join> Joins() => _effects.OfType<AskVoter>().Select(ask => ask.Request).OfType<Join>();
    }

    [Fact]
    public void A_closed_epoch_is_journalled_and_followed_by_the_next()
    {
        Recover(Granted(1, "n1"));
        Feed(Waiting("n2"), 100);
        Feed(new NodeReported(new NodeReport("n1", false, LeasePhase.Closed, 1, 1, "a planned stop")), 100);
        var released = Assert.IsType<OwnershipReleased>(Assert.IsType<Journal>(Assert.Single(_effects)).Event);
        Feed(new Journalled(released), 100);
        Assert.Equal(2, Assert.IsType<FencingBegun>(Assert.IsType<Journal>(Assert.Single(_effects)).Event).Epoch);
    }

    [Fact]
    public void A_grant_that_was_not_consumed_is_told_again()
    {
        Recover(Granted(2, "n1"));
        Feed(new NodeReported(new NodeReport("n1", true, LeasePhase.Closed, 1, 1, null)), 100);
        Assert.Equal(2, Assert.Single(_effects.OfType<TellGrant>()).Grant.Epoch);
    }

    [Fact]
    public void A_move_needs_somebody_who_waits_there()
    {
        Recover(Granted(1, "n1"));
        Feed(Running("n1", 1), 106);
        Feed(new NodeReported(new NodeReport("n2", false, null, 0, 0, null)), 106);
        Feed(new MoveRequested(Guid.NewGuid(), "n2"), 106);
        Assert.Contains("nothing waits for it on n2", Refusal(), StringComparison.Ordinal);
        Feed(new MoveRequested(Guid.NewGuid(), "n3"), 106);
        Assert.Equal("the daemon of n3 does not answer", Refusal());

        Feed(Waiting("n2"), 106);
        Feed(new MoveRequested(Guid.NewGuid(), "n2"), 106);
        Begun();
        Assert.Contains(new TellDrain("n1", 1, "n2"), _effects);
    }

    [Fact]
    public void A_move_asked_of_an_incarnation_that_has_heard_nobody_yet_begins_when_those_that_wait_have_reported()
    {
        Recover(Granted(1, "n1"));
        Feed(new MoveRequested(Guid.NewGuid(), "n2"), 100);
        Assert.Null(Answered());
        Feed(Running("n1", 1), 100.2);
        Assert.Null(Answered());
        Feed(new NodeReported(new NodeReport("n2", true, LeasePhase.Closed, 0, 0, null)), 100.4);
        Begun();
    }

    [Fact]
    public void A_move_back_right_after_a_move_waits_until_the_owner_before_waits_again()
    {
        Recover(Granted(1, "n1"));
        Feed(Running("n1", 1), 110);
        Feed(new NodeReported(new NodeReport("n2", false, LeasePhase.Closed, 0, 0, null)), 110);
        Feed(new Journalled(new OwnershipReleased(Then, 1, "n1", "moved") { HandedOver = true }), 110);
        Feed(new Journalled(Granted(2, "n2")), 110);
        Feed(Running("n2", 2), 110.1);
        Feed(new NodeReported(new NodeReport("n1", false, LeasePhase.Closed, 1, 1, null)), 110.1);

        Feed(new MoveRequested(Guid.NewGuid(), "n1"), 110.2);
        Assert.Null(Answered());
        Feed(new NodeReported(new NodeReport("n1", true, LeasePhase.Closed, 1, 1, null)), 110.9);
        Begun();
    }

    [Fact]
    public void A_move_is_refused_in_time_although_nobody_says_anything()
    {
        Recover(Granted(1, "n1"));
        Feed(Running("n1", 1), 100);
        Feed(new MoveRequested(Guid.NewGuid(), "n2"), 100.5);
        Feed(new MoveRequested(Guid.NewGuid(), "n3"), 100.6);
        Assert.Contains("another move of it is being asked for", Refusal(), StringComparison.Ordinal);

        Feed(Running("n1", 1), 103);
        Assert.Null(Answered());
        Assert.InRange(OwnershipMachine.NextWake(_state, Moments.At(103))!.Value.Boottime, Moments.At(103).Boottime, Moments.At(103.5).Boottime);
        Feed(new OwnershipTimePassed(), 103.5);
        Assert.Equal("the daemon of n2 does not answer", Refusal());
        Feed(Waiting("n2"), 104);
        Assert.Null(_state.Pending);
    }

    [Fact]
    public void A_move_that_meets_another_decision_begins_when_that_is_journalled()
    {
        Recover(Granted(1, "n1"));
        Feed(Running("n1", 1), 110);
        Feed(Waiting("n2"), 110);
        Feed(new PauseRequested(Guid.NewGuid(), true), 110);
        Feed(new MoveRequested(Guid.NewGuid(), "n2"), 110);
        Assert.Null(Answered());
        Feed(new Journalled(new OwnershipPaused(Then)), 110.1);
        Feed(new Journalled(Assert.IsType<MoveBegun>(_state.Pending)), 110.2);
        Assert.True(Answered()!.Accepted);
    }

    [Fact]
    public void A_move_that_cannot_be_is_refused_at_once_and_one_that_nobody_asked_for_is_not_kept()
    {
        Recover(Granted(1, "n1"));
        Feed(new MoveRequested(Guid.NewGuid(), "n9"), 100);
        Assert.Contains("n9 may not own it", Refusal(), StringComparison.Ordinal);
        Feed(new MoveRequested(Guid.NewGuid(), "n1"), 100);
        Assert.Equal("n1 owns it already", Refusal());
        Feed(new MoveRequested(Guid.NewGuid(), "n2") { Why = MoveReason.Failback }, 100);
        Refusal();
    }

    [Fact]
    public void A_move_whose_owner_is_lost_before_it_releases_is_a_failover()
    {
        Recover(Granted(1, "n1"), new MoveBegun(Then, "n1", "n2", 1));
        Feed(Waiting("n2"), 105);
        Answer("n2", Nonce(), 0, 105.1);
        Answer("n3", Nonce(), 0, 105.1);
        Assert.Equal(GrantCause.Failover, Assert.IsType<FencingBegun>(Assert.Single(_effects.OfType<Journal>()).Event).Cause);
    }

    [Fact]
    public void An_owner_that_hands_over_although_a_fence_was_begun_is_moved_from()
    {
        Recover(Granted(1, "n1"), new FencingBegun(Then, 2, GrantCause.Failover), new MoveBegun(Then, "n1", "n2", 1));
        Feed(Waiting("n2"), 105);
        Assert.Equal(GrantCause.Move, CauseAfterTheEnd(handedOver: 1));
    }

    [Fact]
    public void An_owner_that_was_moved_from_but_lost_its_lease_before_its_last_dump_was_lost()
    {
        Recover(Granted(1, "n1"), new FencingBegun(Then, 2, GrantCause.Failover), new MoveBegun(Then, "n1", "n2", 1));
        Feed(Waiting("n2"), 105);
        Assert.Equal(GrantCause.Failover, CauseAfterTheEnd(handedOver: 0));
    }

    [Fact]
    public void What_an_earlier_tenure_handed_over_says_nothing_of_this_one()
    {
        Recover(Granted(1, "n1"), new OwnershipReleased(Then, 1, "n1", "a planned stop") { HandedOver = true }, Granted(2, "n1"), new MoveBegun(Then, "n1", "n2", 2));
        Feed(new NodeReported(new NodeReport("n1", true, LeasePhase.Closed, 2, 2, "the lease ran out") { HandedOver = 1 }), 105);
        Assert.False(Assert.IsType<OwnershipReleased>(Assert.Single(_effects.OfType<Journal>()).Event).HandedOver);
    }

    [Fact]
    public void A_move_whose_target_is_gone_is_given_up_while_the_owner_runs()
    {
        Recover(Granted(1, "n1"), new MoveBegun(Then, "n1", "n2", 1));
        Feed(Running("n1", 1), 100);
        Assert.Equal(new TellDrain("n1", 1, "n2"), Assert.Single(_effects.OfType<TellDrain>()));
        Feed(Running("n1", 1), 105);
        Assert.Equal("n2", Assert.IsType<MoveAbandoned>(Assert.Single(_effects.OfType<Journal>()).Event).To);
    }

    [Fact]
    public void An_epoch_that_another_incarnation_took_for_another_node_is_spent()
    {
        Recover(new FencingBegun(Then, 1, GrantCause.Start));
        Feed(Waiting("n1"), 100);
        RaiseAt("n1", 100);
        RaiseAt("n2", 100);
        Feed(new EpochReserved(1, "n1", false), 100);
        Assert.Equal(2, Assert.IsType<FencingBegun>(Assert.IsType<Journal>(Assert.Single(_effects)).Event).Epoch);
    }

    [Fact]
    public void An_owner_that_lives_through_a_fence_goes_on_under_the_fenced_epoch()
    {
        Recover(Granted(1, "n1"), new FencingBegun(Then, 2, GrantCause.Failover));
        Feed(Waiting("n2"), 100);
        Assert.All(_effects, effect => Assert.IsType<Probe>(Assert.IsType<AskVoter>(effect).Request));
        Feed(Running("n1", 1), 100);
        Assert.Equal(new ReserveEpoch(2, "n1"), Assert.Single(_effects));
        Feed(Running("n1", 1), 100.1);
        Assert.Empty(_effects);
        Feed(new EpochReserved(2, "n1", true), 100.2);
        var continued = Assert.IsType<OwnershipContinued>(Assert.IsType<Journal>(Assert.Single(_effects)).Event);
        Assert.Equal((2, "n1"), (continued.Epoch, continued.Node));
        Feed(new Journalled(continued), 100.3);
        var told = Assert.IsType<TellGrant>(Assert.Single(_effects));
        Assert.Equal((2, 1, "n1"), (told.Grant.Epoch, told.Tenure, told.Grant.Node));

        Feed(Running("n1", 1), 101);
        Assert.IsType<TellGrant>(Assert.Single(_effects));
        Feed(new NodeReported(new NodeReport("n1", true, LeasePhase.Running, 2, 0, null)), 101.5);
        Assert.Empty(_effects);
        Feed(new NodeReported(new NodeReport("n1", true, LeasePhase.Closed, 2, 2, null)), 102);
        Assert.Equal(2, Assert.IsType<OwnershipReleased>(Assert.IsType<Journal>(Assert.Single(_effects)).Event).Epoch);
    }

    [Fact]
    public void An_owner_that_did_not_hear_that_it_may_go_on_releases_the_epoch_by_its_end()
    {
        Recover(Granted(1, "n1"), new FencingBegun(Then, 2, GrantCause.Failover), new OwnershipContinued(Then, 2, "n1"));
        Feed(new NodeReported(new NodeReport("n1", true, LeasePhase.Closed, 1, 1, "it ended")), 100);
        Assert.Equal(2, Assert.IsType<OwnershipReleased>(Assert.IsType<Journal>(_effects[^1]).Event).Epoch);
    }

    [Fact]
    public void An_owner_that_a_majority_gave_up_does_not_go_on()
    {
        Recover(Granted(1, "n1"), new FencingBegun(Then, 2, GrantCause.Failover));
        Feed(Waiting("n2"), 105);
        var nonce = Nonce();
        Answer("n2", nonce, 0, 105);
        Answer("n3", nonce, 0, 105);
        Feed(Running("n1", 1), 105.1);
        Assert.Empty(_effects.OfType<ReserveEpoch>());
    }

    [Fact]
    public void Nothing_is_granted_while_paused()
    {
        Recover(new OwnershipPaused(Then));
        Feed(Waiting("n1"), 100);
        Assert.Empty(_effects);
    }

    private static OwnershipGranted Granted(long epoch, string node) =>
        new(Then, epoch, node, Voters, Moments.Timings.Ttl, Moments.Timings.StopBudget, GrantCause.Start);

    [Fact]
    public void With_many_services_a_report_counts_for_long_but_only_while_the_cluster_reaches_its_node()
    {
        Recover();
        _state = _state with { Settings = Settings with { Pace = ReportPace.Of(1000) } };
        Feed(Waiting("n2"), 100);

        Assert.True(OwnershipMachine.IsCandidate(_state, "n2", Moments.At(279)));
        Assert.False(OwnershipMachine.IsCandidate(_state, "n2", Moments.At(280)));

        Feed(new NodesAway(["n2"]), 101);
        Assert.True(OwnershipMachine.IsCandidate(_state, "n2", Moments.At(102.9)));
        Assert.False(OwnershipMachine.IsCandidate(_state, "n2", Moments.At(103)));
        Feed(new NodesAway([]), 104);
        Assert.False(OwnershipMachine.IsCandidate(_state, "n2", Moments.At(104)));
        Feed(Waiting("n2"), 105);
        Assert.True(OwnershipMachine.IsCandidate(_state, "n2", Moments.At(200)));
    }

    [Fact]
    public void With_few_services_a_report_counts_for_three_seconds_wherever_its_node_is()
    {
        Recover();
        Feed(Waiting("n2"), 100);

        Assert.True(OwnershipMachine.IsCandidate(_state, "n2", Moments.At(102.9)));
        Assert.False(OwnershipMachine.IsCandidate(_state, "n2", Moments.At(103)));
    }

    private GrantCause CauseAfterTheEnd(long handedOver)
    {
        Feed(new NodeReported(new NodeReport("n1", true, LeasePhase.Closed, 1, 1, "it ended") { HandedOver = handedOver }), 105);
        Feed(new Journalled(Assert.Single(_effects.OfType<Journal>()).Event), 105);
        RaiseAt("n2", 105.1);
        RaiseAt("n3", 105.1);
        Assert.Equal(new ReserveEpoch(2, "n2"), Assert.Single(_effects));
        Feed(new EpochReserved(2, "n2", true), 105.2);
        return Assert.IsType<OwnershipGranted>(Assert.Single(_effects.OfType<Journal>()).Event).Cause;
    }

    private static NodeReported Waiting(string node) => new(new NodeReport(node, true, null, 0, 0, null));

    private static NodeReported Running(string node, long epoch) =>
        new(new NodeReport(node, true, LeasePhase.Running, epoch, epoch - 1, null));

    private void Recover(params OwnershipEvent[] events) => _state = OwnershipMachine.Start(
        Settings, Guid.NewGuid(), events.Aggregate(OwnershipRecord.Empty, (record, happened) => record.Apply(happened)), Moments.At(100));

    private void Feed(OwnershipInput input, double at) => (_state, _effects) = OwnershipMachine.Handle(_state, input, Moments.At(at));

    private AnswerRequest? Answered() => _effects.OfType<AnswerRequest>().SingleOrDefault();

    private string Refusal()
    {
        Assert.False(Answered()!.Accepted);
        return Answered()!.Message;
    }

    private void Begun()
    {
        Feed(new Journalled(Assert.IsType<MoveBegun>(_state.Pending)), 110.9);
        Assert.True(Answered()!.Accepted);
    }

    private Guid Nonce() => _state.Probing!.Nonce;

    private void Answer(string voter, Guid nonce, double remaining, double at, Binding? floor = null) => Feed(
        new VoterAnswered(new ProbeReply(Wiki, voter, Guid.Empty, nonce, false, floor ?? new Binding(1, "n1"), TimeSpan.FromSeconds(remaining))), at);

    /// <summary>A majority without n1 says "expired", and the fence begins. Null: n1 says nothing.</summary>
    private void Expire(double? n1)
    {
        Feed(Waiting("n2"), 105);
        var nonce = Nonce();
        if (n1 is { } remaining)
        {
            Answer("n1", nonce, remaining, 105);
        }

        Answer("n2", nonce, 0, 105);
        Answer("n3", nonce, 0, 105);
        Feed(new Journalled(new FencingBegun(Then, 2, GrantCause.Failover)), 105.1);
        Assert.Equal(3, _effects.OfType<AskVoter>().Count(ask => ask.Request is Fence));
    }

    private void Refuse(string voter, double remaining, double at) => Feed(
        new VoterAnswered(new FenceReply(
            Wiki, voter, Guid.Empty, _state.Fencing!.Nonce, _state.Fencing.Epoch, FenceOutcome.Promised,
            new Binding(1, "n1"), TimeSpan.FromSeconds(remaining))),
        at);

    private void RaiseAt(string voter, double at, double remaining = 0) => Feed(
        new VoterAnswered(new FenceReply(
            Wiki, voter, Guid.Empty, _state.Fencing!.Nonce, _state.Fencing.Epoch, FenceOutcome.Raised,
            new Binding(_state.Fencing.Epoch, null), TimeSpan.FromSeconds(remaining))),
        at);
}
