using System.Collections.Immutable;
using ClusterFs.Lease.Holder;
using ClusterFs.Lease.Voter;

namespace ClusterFs.Lease.Tests.Holder;

public sealed class HolderMachineTests
{
    private const string Wiki = "wiki";
    private static readonly ImmutableSortedSet<string> Voters = ["n1", "n2", "n3"];
    private HolderState _state = new("n1", "boot", Guid.NewGuid(), DurableHolderState.Empty);
    private ImmutableArray<HolderEffect> _effects = [];

    [Fact]
    public void An_epoch_is_consumed_on_disk_before_it_is_renewed_and_confers_nothing_by_itself()
    {
        Feed(Grant(1), 100);
        Assert.IsType<PersistHolder>(_effects[0]);
        Assert.Equal(3, _effects.OfType<SendRenew>().Count());
        Feed(new ContentPrepared(Wiki, 1), 100.1);
        Assert.Equal(LeasePhase.Acquiring, Lease.Phase);
        Assert.Empty(_effects.OfType<StartService>());
    }

    [Fact]
    public void The_service_starts_when_a_majority_acked_and_the_content_is_there()
    {
        Run();
        Assert.Equal(LeasePhase.Running, Lease.Phase);
    }

    [Fact]
    public void The_lease_runs_from_the_round_s_beginning_not_from_the_ack()
    {
        Feed(Grant(1), 100);
        var round = _effects.OfType<SendRenew>().First().Renew.Round;
        Feed(Ack("n1", round), 100.9);
        Feed(Ack("n2", round), 100.9);
        Assert.Equal(Moments.At(100) + (Moments.Timings.Ttl - Moments.Timings.Margin), Lease.ValidUntil);
    }

    [Fact]
    public void One_voter_counts_once_and_old_incarnations_not_at_all()
    {
        Feed(Grant(1), 100);
        var round = _effects.OfType<SendRenew>().First().Renew.Round;
        Feed(Ack("n1", round), 100);
        Feed(Ack("n1", round), 100);
        Feed(Ack("n2", round with { Incarnation = Guid.NewGuid() }), 100);
        Feed(Ack("n2", round with { BootId = "another" }), 100);
        Feed(Ack("stranger", round), 100);
        Assert.Equal(LeasePhase.Acquiring, Lease.Phase);
    }

    [Fact]
    public void A_lease_that_nobody_renews_stops_the_service_in_time_and_is_never_revived()
    {
        Run();
        Feed(new TimePassed(), 102);
        var late = _effects.OfType<SendRenew>().First().Renew.Round;
        Feed(Ack("n1", late), 103.5);
        Assert.Equal(LeasePhase.Stopping, Lease.Phase);
        var stop = Assert.Single(_effects.OfType<StopService>());
        Assert.True(stop.KillAt.MayHaveComeBy(Lease.ValidUntil!.Value));
        Feed(Ack("n2", late), 103.5);
        Feed(Ack("n3", late), 103.5);
        Assert.Equal(LeasePhase.Stopping, Lease.Phase);
        Feed(new ServiceDead(Wiki, 1), 104);
        Assert.Equal(LeasePhase.Closed, Lease.Phase);
        Assert.Equal(3, _effects.OfType<SendRelease>().Count());
    }

    [Fact]
    public void A_paused_holder_does_not_start_the_service_when_it_wakes_too_late()
    {
        Feed(Grant(1), 100);
        var round = _effects.OfType<SendRenew>().First().Renew.Round;
        Feed(Ack("n1", round), 100);
        Feed(Ack("n2", round), 100);
        Feed(new ContentPrepared(Wiki, 1), 104);
        Assert.Empty(_effects.OfType<StartService>());
        Assert.Equal(LeasePhase.Stopping, Lease.Phase);
    }

    [Fact]
    public void A_planned_stop_keeps_the_lease_until_it_is_closed()
    {
        Run();
        Feed(new DrainRequested(Wiki, 1, TimeSpan.FromSeconds(10), "a planned stop"), 101);
        Assert.Single(_effects.OfType<StopService>());
        Feed(new TimePassed(), 101.5);
        Assert.NotEmpty(_effects.OfType<SendRenew>());
        Feed(new ServiceDead(Wiki, 1), 101.6);
        Assert.Equal(LeasePhase.Drained, Lease.Phase);
        Assert.Empty(_effects.OfType<SendRelease>());
        Feed(new CloseRequested(Wiki, 1), 102);
        Assert.Equal(3, _effects.OfType<SendRelease>().Count());
        Assert.Equal(1, HolderMachine.ClosedEpoch(_state, Wiki));
    }

    [Fact]
    public void Nothing_is_released_while_the_service_may_live()
    {
        Run();
        Feed(new CloseRequested(Wiki, 1), 101);
        Assert.Empty(_effects.OfType<SendRelease>());
        Assert.Equal(LeasePhase.Running, Lease.Phase);
    }

    [Fact]
    public void A_consumed_epoch_is_not_used_again_by_this_process_or_the_next()
    {
        Run();
        Feed(new DrainRequested(Wiki, 1, TimeSpan.Zero, "a planned stop"), 101);
        Feed(new ServiceDead(Wiki, 1), 101);
        Feed(new CloseRequested(Wiki, 1), 101);
        Feed(Grant(1), 101.1);
        Assert.Equal(LeasePhase.Closed, Lease.Phase);

        _state = new HolderState("n1", "boot", Guid.NewGuid(), _state.Durable);
        Feed(new HolderStarted(), 102);
        Assert.Equal(3, _effects.OfType<SendRelease>().Count());
        Feed(Grant(1), 102.1);
        Assert.Empty(_state.Leases);
        Feed(Grant(2), 102.2);
        Assert.Equal(LeasePhase.Acquiring, Lease.Phase);
    }

    [Fact]
    public void A_new_epoch_waits_for_the_death_of_the_old_one_s_service()
    {
        Run();
        Feed(Grant(2), 101);
        Assert.Equal(1, Lease.Epoch);
        Assert.Equal(1, _state.Durable.Consumed[Wiki].Epoch);
    }

    [Fact]
    public void A_grant_in_place_changes_what_is_renewed_and_neither_the_service_nor_its_deadline()
    {
        Run();
        var deadline = Lease.ValidUntil;
        var late = Round(1);
        Feed(Grant(2) with { Tenure = 1 }, 101);
        Assert.Equal(2, Assert.Single(_effects.OfType<PersistHolder>()).State.Consumed[Wiki].Epoch);
        Assert.All(_effects.OfType<SendRenew>(), send => Assert.Equal(2, send.Renew.Epoch));
        Assert.Equal(3, _effects.OfType<SendRenew>().Count());
        Assert.Equal((LeasePhase.Running, deadline), (Lease.Phase, Lease.ValidUntil));
        Assert.Equal(0, HolderMachine.ClosedEpoch(_state, Wiki));

        var round = _effects.OfType<SendRenew>().First().Renew.Round;
        Feed(Ack("n1", late), 101);
        Feed(Ack("n1", round, epoch: 2), 101);
        Assert.Equal(deadline, Lease.ValidUntil);
        Feed(Ack("n2", round, epoch: 2), 101);
        Assert.Equal(Moments.At(101) + (Moments.Timings.Ttl - Moments.Timings.Margin), Lease.ValidUntil);

        Feed(new DrainRequested(Wiki, 1, TimeSpan.Zero, "a planned stop"), 101.1);
        Assert.Equal(1, Assert.Single(_effects.OfType<StopService>()).Tenure);
        Feed(new ServiceDead(Wiki, 1), 101.1);
        Feed(new CloseRequested(Wiki, 1), 101.1);
        Assert.All(_effects.OfType<SendRelease>(), send => Assert.Equal(2, send.Release.Epoch));
        Assert.Equal(2, HolderMachine.ClosedEpoch(_state, Wiki));
    }

    [Fact]
    public void A_grant_in_place_without_its_tenure_running_is_nothing()
    {
        Feed(Grant(2) with { Tenure = 1 }, 100);
        Assert.Empty(_effects);

        Run();
        Feed(Grant(3) with { Tenure = 2 }, 101);
        Feed(Grant(3) with { Tenure = 1, Voters = ["n1", "n2"] }, 101);
        Assert.Equal(1, Lease.Epoch);
        Feed(new DrainRequested(Wiki, 1, TimeSpan.Zero, "a planned stop"), 101);
        Feed(Grant(2) with { Tenure = 1 }, 101);
        Assert.Equal(1, Lease.Epoch);
        Feed(new ServiceDead(Wiki, 1), 101);
        Feed(new CloseRequested(Wiki, 1), 101);
        Feed(Grant(2) with { Tenure = 1 }, 101);
        Assert.Equal((1, 1), (Lease.Epoch, _state.Durable.Consumed[Wiki].Epoch));
    }

    [Fact]
    public void Many_services_come_to_share_their_rounds()
    {
        Feed(Grant(1), 100);
        Feed(Grant(1) with { Service = "mail" }, 100.4);
        Assert.Equal(3, _effects.OfType<SendRenew>().Count());
        Feed(new TimePassed(), 101.25);
        Assert.Equal(["mail", "mail", "mail", "wiki", "wiki", "wiki"], _effects.OfType<SendRenew>().Select(send => send.Renew.Service).Order());
        Assert.Equal(Moments.At(102.5), HolderMachine.NextWake(_state));
    }

    [Fact]
    public void A_round_that_can_reach_no_majority_any_more_is_followed_by_the_next_soon_and_still_counts()
    {
        Run();
        Feed(Ack("n1", Round(1)), 100.02);
        var round = Renewal(101.25);
        Feed(new RenewUnanswered(Wiki, "n3", round), 101.3);
        Assert.Equal(Moments.At(102.5), HolderMachine.NextWake(_state));

        Feed(new RenewUnanswered(Wiki, "n2", round with { Incarnation = Guid.NewGuid() }), 101.3);
        Feed(new RenewUnanswered(Wiki, "n3", round), 101.3);
        Assert.Equal(Moments.At(102.5), HolderMachine.NextWake(_state));

        Feed(new RenewUnanswered(Wiki, "n2", round), 101.3);
        Assert.Equal(Moments.At(101.3) + Moments.Timings.RetryAfter, HolderMachine.NextWake(_state));
        var next = Renewal(101.6);
        Assert.Equal(Moments.At(102.85), HolderMachine.NextWake(_state));
        Feed(Ack("n1", round), 101.7);
        Feed(Ack("n2", round), 101.7);
        Assert.Equal(Moments.At(101.25) + (Moments.Timings.Ttl - Moments.Timings.Margin), Lease.ValidUntil);
        Feed(Ack("n1", next), 101.7);
        Feed(Ack("n2", next), 101.7);
        Assert.Equal(Moments.At(101.6) + (Moments.Timings.Ttl - Moments.Timings.Margin), Lease.ValidUntil);
    }

    [Fact]
    public void Who_was_silent_in_the_last_round_is_not_waited_for_when_another_refuses()
    {
        // A machine without power refuses nothing: n2 does not answer and is not heard of either.
        Run();
        Feed(Ack("n1", Round(1)), 100.02);
        var round = Renewal(101.25);
        Feed(Ack("n1", round), 101.26);
        Feed(Ack("n3", round), 101.26);

        round = Renewal(102.5);
        Feed(new RenewUnanswered(Wiki, "n3", round), 102.51);
        Feed(Ack("n1", round), 102.52);
        Assert.Equal(Moments.At(102.51) + Moments.Timings.RetryAfter, HolderMachine.NextWake(_state));

        // Over and over, and until it is back.
        round = Renewal(102.77);
        Feed(Ack("n1", round), 102.77);
        Feed(new RenewUnanswered(Wiki, "n3", round), 102.78);
        Assert.Equal(Moments.At(102.78) + Moments.Timings.RetryAfter, HolderMachine.NextWake(_state));
        round = Renewal(103.04);
        Feed(Ack("n1", round), 103.05);
        Feed(Ack("n3", round), 103.05);
        Assert.Equal(Moments.At(103.04) + (Moments.Timings.Ttl - Moments.Timings.Margin), Lease.ValidUntil);
        Assert.Equal(Moments.At(103.04) + Moments.Timings.RenewEvery, HolderMachine.NextWake(_state));
    }

    [Fact]
    public void Who_answered_late_is_not_silent()
    {
        Run();
        Feed(Ack("n1", Round(1)), 100.02);
        var round = Renewal(101.25);
        Feed(Ack("n1", round), 101.26);
        Feed(Ack("n3", round), 101.26);
        Feed(Ack("n2", round), 101.9);

        Feed(new RenewUnanswered(Wiki, "n3", Renewal(102.5)), 102.51);
        Assert.Equal(Moments.At(102.5) + Moments.Timings.RenewEvery, HolderMachine.NextWake(_state));
    }

    [Fact]
    public void An_answer_that_comes_after_many_early_rounds_counts()
    {
        Run();
        var first = Renewal(101.25);
        Feed(Ack("n1", first), 101.25);
        var (round, at) = (first, 101.25);
        for (var early = 0; early < 8; early++)
        {
            Feed(new RenewUnanswered(Wiki, "n2", round), at);
            Feed(new RenewUnanswered(Wiki, "n3", round), at);
            at += Moments.Timings.RetryAfter.TotalSeconds;
            round = Renewal(at);
        }

        Feed(Ack("n2", first), at);
        Assert.Equal(Moments.At(101.25) + (Moments.Timings.Ttl - Moments.Timings.Margin), Lease.ValidUntil);
    }

    [Fact]
    public void An_early_round_takes_no_healthy_lease_along_and_is_taken_along_by_none()
    {
        Feed(Grant(1) with { Service = "mail", Voters = ["n1"] }, 100);
        Feed(new RenewAnswered(Ack("n1", Round(1)).Reply with { Service = "mail" }), 100);
        Feed(Grant(1), 101.1);
        var round = _effects.OfType<SendRenew>().First().Renew.Round;
        Feed(new RenewUnanswered(Wiki, "n2", round), 101.11);
        Feed(new RenewUnanswered(Wiki, "n3", round), 101.11);

        // mail at 101.25, wiki a moment later.
        Feed(new TimePassed(), 101.25);
        Assert.Equal(["mail"], _effects.OfType<SendRenew>().Select(send => send.Renew.Service));
        Feed(new TimePassed(), 101.37);
        Assert.Equal(["wiki", "wiki", "wiki"], _effects.OfType<SendRenew>().Select(send => send.Renew.Service));

        // wiki at 102.35, mail at 102.5.
        round = _effects.OfType<SendRenew>().First().Renew.Round;
        Feed(new RenewUnanswered(Wiki, "n2", round), 102.1);
        Feed(new RenewUnanswered(Wiki, "n3", round), 102.1);
        Feed(new TimePassed(), 102.36);
        Assert.Equal(["wiki", "wiki", "wiki"], _effects.OfType<SendRenew>().Select(send => send.Renew.Service));
    }

    [Fact]
    public void A_majority_may_answer_without_those_that_do_not()
    {
        Run();
        Feed(Ack("n1", Round(1)), 100.02);
        var round = Renewal(101.25);
        Feed(new RenewUnanswered(Wiki, "n3", round), 101.3);
        Feed(Ack("n1", round), 101.3);
        Feed(Ack("n2", round), 101.3);
        Assert.Equal(Moments.At(101.25) + (Moments.Timings.Ttl - Moments.Timings.Margin), Lease.ValidUntil);
        Assert.Equal(Moments.At(102.5), HolderMachine.NextWake(_state));
    }

    [Fact]
    public void A_majority_that_comes_after_all_takes_the_early_round_back()
    {
        Run();
        var round = Renewal(101.25);
        Feed(new RenewUnanswered(Wiki, "n3", round), 101.26);
        Assert.Equal(Moments.At(101.26) + Moments.Timings.RetryAfter, HolderMachine.NextWake(_state));
        Feed(Ack("n1", round), 101.27);
        Feed(Ack("n2", round), 101.27);
        Assert.Equal(Moments.At(102.5), HolderMachine.NextWake(_state));
    }

    private HeldLease Lease => _state.Leases[Wiki];

    private RoundId Round(long number) => new("boot", _state.Incarnation, number);

    private RoundId Renewal(double at)
    {
        Feed(new TimePassed(), at);
        return _effects.OfType<SendRenew>().First().Renew.Round;
    }

    private void Run()
    {
        Feed(Grant(1), 100);
        var round = _effects.OfType<SendRenew>().First().Renew.Round;
        Feed(new ContentPrepared(Wiki, 1), 100);
        Feed(Ack("n2", round), 100.01);
        Feed(Ack("n3", round), 100.01);
        Assert.Single(_effects.OfType<StartService>());
    }

    private void Feed(HolderInput input, double at) => (_state, _effects) = HolderMachine.Handle(_state, input, Moments.At(at));

    private static GrantReceived Grant(long epoch) => new(Wiki, epoch, epoch, Voters, Moments.Timings);

    private static RenewAnswered Ack(string voter, RoundId round, long epoch = 1) =>
        new(new RenewReply(Wiki, voter, epoch, "n1", round, RenewOutcome.Acked, new Binding(epoch, "n1")));
}
