using System.Collections.Immutable;
using ClusterFs.Lease.Voter;

namespace ClusterFs.Lease.Tests.Voter;

public sealed class VoterMachineTests
{
    private const string Wiki = "wiki";
    private static readonly TimeSpan Ttl = TimeSpan.FromSeconds(5);

    [Fact]
    public void A_floor_is_on_disk_before_the_ack_that_rests_on_it_leaves()
    {
        var (_, effects) = VoterMachine.Handle(Joined(), Renewal(1, "n1"), Moments.At(100));
        Assert.Collection(
            effects,
            effect => Assert.Equal(new Binding(1, "n1"), Assert.IsType<PersistVoter>(effect).State.Floors[Wiki]),
            effect => Assert.Equal(RenewOutcome.Acked, Assert.IsType<RenewReply>(Assert.IsType<Answer>(effect).Reply).Outcome));
    }

    [Fact]
    public void A_renewal_that_changes_nothing_costs_no_sync()
    {
        var (state, _) = VoterMachine.Handle(Joined(), Renewal(1, "n1"), Moments.At(100));
        var (_, effects) = VoterMachine.Handle(state, Renewal(1, "n1"), Moments.At(101));
        Assert.IsType<Answer>(Assert.Single(effects));
    }

    [Fact]
    public void Another_node_at_the_same_epoch_is_refused_for_ever()
    {
        var (state, _) = VoterMachine.Handle(Joined(), Renewal(1, "n1"), Moments.At(100));
        Assert.Equal(RenewOutcome.BelowFloor, Outcome(state, Renewal(1, "n2"), Moments.At(1000)));
    }

    [Fact]
    public void A_higher_epoch_waits_for_the_promise_to_end()
    {
        var (state, _) = VoterMachine.Handle(Joined(), Renewal(1, "n1"), Moments.At(100));
        Assert.Equal(RenewOutcome.Promised, Outcome(state, Renewal(2, "n2"), Moments.At(104.9)));
        Assert.Equal(RenewOutcome.Acked, Outcome(state, Renewal(2, "n2"), Moments.At(105)));
    }

    [Fact]
    public void A_node_that_goes_on_under_a_higher_epoch_waits_for_no_promise_of_its_own()
    {
        var (state, _) = VoterMachine.Handle(Joined(), Renewal(1, "n1"), Moments.At(100));
        Assert.Equal(RenewOutcome.Acked, Outcome(state, Renewal(2, "n1"), Moments.At(101)));

        var restarted = new VoterState("v", Moments.At(101), state.Durable);
        Assert.Equal(RenewOutcome.Acked, Outcome(restarted, Renewal(2, "n1"), Moments.At(101)));
    }

    [Fact]
    public void What_a_node_went_on_under_is_promised_like_any_other_epoch()
    {
        var (state, _) = VoterMachine.Handle(Joined(), Renewal(1, "n1"), Moments.At(100));
        (state, _) = VoterMachine.Handle(state, Renewal(2, "n1"), Moments.At(103));
        Assert.Equal(RenewOutcome.BelowFloor, Outcome(state, Renewal(1, "n1"), Moments.At(104)));
        Assert.Equal(RenewOutcome.Promised, Outcome(state, Renewal(3, "n2"), Moments.At(107.9)));
        (state, _) = VoterMachine.Handle(state, new Release(Wiki, 1, "n1"), Moments.At(104));
        Assert.Equal(TimeSpan.FromSeconds(4), Remaining(state, Moments.At(104)));
    }

    [Fact]
    public void A_fence_is_refused_while_a_promise_runs_unless_the_over_promises()
    {
        var (state, _) = VoterMachine.Handle(Joined(), Renewal(1, "n1"), Moments.At(100));
        Assert.Equal(FenceOutcome.Promised, Fenced(state, 2, agreed: false, Moments.At(102)).Outcome);

        var agreed = Fenced(state, 2, agreed: true, Moments.At(102));
        Assert.Equal((FenceOutcome.Raised, TimeSpan.FromSeconds(3)), (agreed.Outcome, agreed.Remaining));
    }

    [Fact]
    public void A_fenced_epoch_is_refused_to_its_old_holder_and_bound_by_the_first_renewal()
    {
        var (state, _) = VoterMachine.Handle(Joined(), Renewal(1, "n1"), Moments.At(100));
        (state, _) = VoterMachine.Handle(state, new Fence(Wiki, 2, false, Guid.NewGuid()), Moments.At(106));
        Assert.Equal(RenewOutcome.BelowFloor, Outcome(state, Renewal(1, "n1"), Moments.At(106)));
        (state, _) = VoterMachine.Handle(state, Renewal(2, "n2"), Moments.At(106));
        Assert.Equal(RenewOutcome.BelowFloor, Outcome(state, Renewal(2, "n3"), Moments.At(200)));
        Assert.Equal(FenceOutcome.BelowFloor, Fenced(state, 2, agreed: true, Moments.At(200)).Outcome);
    }

    [Fact]
    public void A_release_ends_only_the_promise_of_exactly_its_epoch()
    {
        var (state, _) = VoterMachine.Handle(Joined(), Renewal(2, "n1"), Moments.At(100));
        (state, _) = VoterMachine.Handle(state, new Release(Wiki, 1, "n1"), Moments.At(101));
        Assert.Equal(TimeSpan.FromSeconds(4), Remaining(state, Moments.At(101)));
        (state, _) = VoterMachine.Handle(state, new Release(Wiki, 2, "n1"), Moments.At(101));
        Assert.Equal(TimeSpan.Zero, Remaining(state, Moments.At(101)));
    }

    [Fact]
    public void A_restarted_voter_behaves_as_if_it_had_promised_a_full_ttl()
    {
        var (before, _) = VoterMachine.Handle(Joined(), Renewal(1, "n1"), Moments.At(100));
        var restarted = new VoterState("v", Moments.At(101), before.Durable);
        Assert.Equal(TimeSpan.FromSeconds(5), Remaining(restarted, Moments.At(101)));
        Assert.Equal(FenceOutcome.Promised, Fenced(restarted, 2, agreed: false, Moments.At(105.9)).Outcome);
        Assert.Equal(RenewOutcome.Promised, Outcome(restarted, Renewal(2, "n2"), Moments.At(105.9)));
        Assert.Equal(RenewOutcome.Acked, Outcome(restarted, Renewal(1, "n1"), Moments.At(101)));
        Assert.Equal(RenewOutcome.Acked, Outcome(restarted, Renewal(2, "n2"), Moments.At(106)));
    }

    [Fact]
    public void What_a_restarted_voter_forgot_is_over_when_the_node_on_its_disk_gives_it_up()
    {
        var (before, _) = VoterMachine.Handle(Joined(), Renewal(2, "n1"), Moments.At(100));
        var restarted = new VoterState("v", Moments.At(101), before.Durable);
        foreach (var other in (Release[])[new(Wiki, 1, "n1"), new(Wiki, 2, "n2"), new(Wiki, 3, "n1"), new("mail", 2, "n1")])
        {
            var (unmoved, _) = VoterMachine.Handle(restarted, other, Moments.At(102));
            Assert.Equal(TimeSpan.FromSeconds(4), Remaining(unmoved, Moments.At(102)));
            Assert.Equal(RenewOutcome.Promised, Outcome(unmoved, Renewal(3, "n2"), Moments.At(102)));
        }

        var (given, _) = VoterMachine.Handle(restarted, new Release(Wiki, 2, "n1"), Moments.At(102));
        Assert.Equal(TimeSpan.Zero, Remaining(given, Moments.At(102)));
        (given, _) = VoterMachine.Handle(given, new Fence(Wiki, 3, false, Guid.NewGuid()), Moments.At(102));
        Assert.Equal(RenewOutcome.Acked, Outcome(given, Renewal(3, "n2"), Moments.At(102)));
    }

    [Fact]
    public void A_floor_that_names_nobody_is_given_up_by_nobody()
    {
        var (state, _) = VoterMachine.Handle(Joined(), Renewal(1, "n1"), Moments.At(100));
        (state, _) = VoterMachine.Handle(state, new Fence(Wiki, 2, true, Guid.NewGuid()), Moments.At(101));
        var restarted = new VoterState("v", Moments.At(102), state.Durable);
        (restarted, _) = VoterMachine.Handle(restarted, new Release(Wiki, 1, "n1"), Moments.At(102));
        Assert.Equal(TimeSpan.FromSeconds(5), Remaining(restarted, Moments.At(102)));
    }

    [Fact]
    public void A_restarted_voter_binds_a_fenced_epoch_to_nobody_before_what_it_forgot_is_over()
    {
        var (state, _) = VoterMachine.Handle(Joined(), Renewal(1, "n1"), Moments.At(100));
        (state, _) = VoterMachine.Handle(state, new Fence(Wiki, 2, true, Guid.NewGuid()), Moments.At(101));
        var restarted = new VoterState("v", Moments.At(102), state.Durable);
        Assert.Equal(RenewOutcome.Promised, Outcome(restarted, Renewal(2, "n2"), Moments.At(103)));
        Assert.Equal(RenewOutcome.Acked, Outcome(restarted, Renewal(2, "n2"), Moments.At(107)));
    }

    [Fact]
    public void A_restart_waits_for_the_longest_ttl_that_was_ever_promised()
    {
        var (before, effects) = VoterMachine.Handle(Joined(), Renewal(1, "n1") with { Ttl = TimeSpan.FromSeconds(30) }, Moments.At(100));
        Assert.Equal(TimeSpan.FromSeconds(30), Assert.IsType<PersistVoter>(effects[0]).State.LongestTtl);
        Assert.Equal(TimeSpan.FromSeconds(30), Remaining(new VoterState("v", Moments.At(101), before.Durable), Moments.At(101)));
    }

    [Fact]
    public void A_voter_without_state_abstains_until_the_journal_joins_it_after_a_full_ttl()
    {
        var empty = Empty(startedAt: 100);
        Assert.Equal(RenewOutcome.Abstained, Outcome(empty, Renewal(1, "n1"), Moments.At(200)));
        Assert.Equal(FenceOutcome.Abstained, Fenced(empty, 1, agreed: true, Moments.At(200)).Outcome);

        var join = new Join(Wiki, empty.Durable.Identity, new Binding(7, "n2"), TimeSpan.FromSeconds(8));
        Assert.False(Joins(empty, join, Moments.At(107.9)).Joined);
        Assert.False(Joins(empty, join with { Identity = Guid.NewGuid() }, Moments.At(200)).Joined);

        var (joined, _) = VoterMachine.Handle(empty, join, Moments.At(108));
        Assert.Equal(RenewOutcome.BelowFloor, Outcome(joined, Renewal(6, "n1"), Moments.At(108)));
        Assert.Equal(RenewOutcome.Acked, Outcome(joined, Renewal(7, "n2"), Moments.At(108)));
    }

    private static VoterState Empty(double startedAt) => new(
        "v",
        Moments.At(startedAt),
        new DurableVoterState(Guid.NewGuid(), Ttl, ImmutableSortedDictionary.Create<string, Binding>(StringComparer.Ordinal)));

    private static VoterState Joined()
    {
        var empty = Empty(startedAt: 0);
        return VoterMachine.Handle(empty, new Join(Wiki, empty.Durable.Identity, Binding.None, Ttl), Moments.At(50)).State;
    }

    private static Renew Renewal(long epoch, string node) => new(Wiki, epoch, node, Ttl, new RoundId("boot", Guid.Empty, 1));

    private static RenewOutcome Outcome(VoterState state, Renew renew, Instant now) => Reply<RenewReply>(state, renew, now).Outcome;

    private static FenceReply Fenced(VoterState state, long epoch, bool agreed, Instant now) =>
        Reply<FenceReply>(state, new Fence(Wiki, epoch, agreed, Guid.NewGuid()), now);

    private static TimeSpan Remaining(VoterState state, Instant now) => Reply<ProbeReply>(state, new Probe(Wiki, Guid.NewGuid()), now).Remaining;

    private static JoinReply Joins(VoterState state, Join join, Instant now) => Reply<JoinReply>(state, join, now);

    private static T Reply<T>(VoterState state, VoterRequest request, Instant now)
        where T : VoterReply =>
        Assert.IsType<T>(Assert.Single(VoterMachine.Handle(state, request, now).Effects.OfType<Answer>()).Reply);
}
