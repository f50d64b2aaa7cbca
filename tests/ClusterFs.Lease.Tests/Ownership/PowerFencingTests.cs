using System.Collections.Immutable;
using ClusterFs.Lease.Holder;
using ClusterFs.Lease.Ownership;
using ClusterFs.Lease.Voter;

namespace ClusterFs.Lease.Tests.Ownership;

/// <summary>R11. The owner n1 was granted epoch 1 at 100 s; its TTL is 5 s.</summary>
public sealed class PowerFencingTests
{
    private static readonly DateTimeOffset Then = DateTimeOffset.UnixEpoch;
    private static readonly ImmutableSortedSet<string> Voters = ["n1", "n2", "n3"];
    private static readonly OwnershipSettings Settings = new("wiki", Voters, ["n1", "n2", "n3"], Moments.Timings) { PowerFencing = new(Voters) };

    private OwnershipState _state = OwnershipMachine.Start(
        Settings, Guid.NewGuid(), OwnershipRecord.Empty.Apply(Granted(1, "n1")), Moments.At(100));

    private ImmutableArray<OwnershipEffect> _effects = [];

    [Fact]
    public void An_owner_that_was_missed_is_fenced_through_its_promises_and_its_power_cut_once_a_majority_has_risen()
    {
        SuspectAt(105.2);
        Assert.All(Fences(), fence => Assert.True(fence.OverPromises));
        RaiseAt("n2", 105.2, remaining: 2);
        Assert.Empty(_effects);
        RaiseAt("n3", 105.2, remaining: 2);
        Assert.Equal(new RunFence("n1", 2), Assert.Single(_effects));
        Feed(new OwnershipTimePassed(), 106);
        Assert.Empty(_effects.OfType<RunFence>());
    }

    [Fact]
    public void Its_success_ends_the_wait_once_the_journal_has_it()
    {
        CutAt(105.2);
        Feed(new NodeFenced("n1", 2, true, "off"), 105.4);
        var cut = Assert.IsType<Journal>(Assert.Single(_effects)).Event;
        Assert.Equal(new OwnerPowerFenced(Then, 2, "n1", true, "off"), cut);
        Feed(new Journalled(cut), 105.4);
        Assert.Equal(new ReserveEpoch(2, "n2"), Assert.Single(_effects.OfType<ReserveEpoch>()));
    }

    [Fact]
    public void Its_success_and_nothing_else_gives_up_the_promises_to_exactly_the_dead_owner()
    {
        CutAt(105.2);
        Assert.Empty(Releases());
        Feed(new NodeFenced("n1", 2, true, "off"), 105.4);
        Assert.Empty(Releases());
        Feed(new Journalled(Assert.IsType<Journal>(Assert.Single(_effects)).Event), 105.4);
        Assert.Equal(Enumerable.Repeat(new Release("wiki", 1, "n1"), 3), Releases());
    }

    [Fact]
    public void Its_failure_ends_nothing_and_the_promises_are_waited_out()
    {
        CutAt(105.2);
        Feed(new NodeFenced("n1", 2, false, "exit code 1"), 105.4);
        Feed(new Journalled(Assert.IsType<Journal>(Assert.Single(_effects)).Event), 105.4);
        Assert.Empty(Releases());
        Feed(Waiting("n2"), 107.1);
        Assert.Empty(_effects.Where(effect => effect is ReserveEpoch or RunFence));
        Feed(Waiting("n2"), 107.2);
        Assert.Equal(new ReserveEpoch(2, "n2"), Assert.Single(_effects));
    }

    [Theory]
    [InlineData("n2", 2)]
    [InlineData("n1", 1)]
    [InlineData("n1", 3)]
    public void A_success_for_another_node_or_another_epoch_counts_for_nothing(string node, long epoch)
    {
        CutAt(105.2);
        Feed(new NodeFenced(node, epoch, true, "off"), 105.4);
        Feed(Waiting("n2"), 107.1);
        Assert.Empty(_effects.Where(effect => effect is not AskVoter));
    }

    [Fact]
    public void A_success_that_came_too_early_is_none_later()
    {
        CutAt(105.2, remaining: 0.3);
        Feed(new NodeFenced("n1", 3, true, "off"), 105.3);
        Feed(new NodeFenced("n1", 2, false, "exit code 1"), 105.4);
        Feed(new Journalled(Assert.IsType<Journal>(Assert.Single(_effects)).Event), 105.4);
        Feed(Waiting("n2"), 105.6);
        Feed(new EpochReserved(2, "n2", false), 105.6);
        Feed(new Journalled(Assert.IsType<Journal>(Assert.Single(_effects)).Event), 105.6);
        RaiseAt("n2", 105.7, remaining: 2);
        RaiseAt("n3", 105.7, remaining: 2);
        Assert.Equal(new RunFence("n1", 3), Assert.Single(_effects));
    }

    [Fact]
    public void A_success_that_nobody_asked_this_incarnation_for_counts_for_nothing()
    {
        SuspectAt(105.2);
        RaiseAt("n2", 105.2, remaining: 2);
        Feed(new NodeFenced("n1", 2, true, "off"), 105.3);
        Assert.Empty(_effects);
    }

    [Fact]
    public void A_success_that_the_journal_remembers_waits_for_a_majority_of_floors_all_the_same()
    {
        _state = OwnershipMachine.Start(
            Settings,
            Guid.NewGuid(),
            new OwnershipEvent[] { Granted(1, "n1"), new FencingBegun(Then, 2, GrantCause.Failover), new OwnerPowerFenced(Then, 2, "n1", true, "off") }
                .Aggregate(OwnershipRecord.Empty, (record, happened) => record.Apply(happened)),
            Moments.At(100));
        Probe(105, remaining: 2);
        RaiseAt("n2", 105.2, remaining: 2);
        Assert.Empty(_effects);
        RaiseAt("n3", 105.2, remaining: 2);
        Assert.Equal(new ReserveEpoch(2, "n2"), Assert.Single(_effects));
    }

    [Fact]
    public void A_success_for_an_epoch_that_was_spent_does_not_shorten_the_wait_of_the_next()
    {
        CutAt(105.2);
        Feed(new NodeFenced("n1", 2, true, "off"), 105.4);
        Feed(new Journalled(Assert.IsType<Journal>(Assert.Single(_effects)).Event), 105.4);
        Feed(new EpochReserved(2, "n2", false), 105.5);
        Feed(new Journalled(Assert.IsType<Journal>(Assert.Single(_effects)).Event), 105.5);
        RaiseAt("n2", 105.6, remaining: 2);
        RaiseAt("n3", 105.6, remaining: 2);
        Assert.Empty(_effects.OfType<ReserveEpoch>());
        Assert.Equal(new RunFence("n1", 3), Assert.Single(_effects));
    }

    [Fact]
    public void An_owner_whose_daemon_is_silent_and_whose_guard_renews_is_left_alone()
    {
        Probe(105, remaining: 3.6);
        Assert.Empty(_effects);
        Probe(106.3, remaining: 2.5);
        Assert.Empty(_effects);
    }

    [Fact]
    public void An_owner_that_is_heard_of_again_while_it_is_fenced_does_not_leave_the_fence_undecided()
    {
        SuspectAt(105.2);
        RaiseAt("n2", 105.2, remaining: 2);
        RaiseAt("n3", 105.2, remaining: 2);
        Feed(new NodeReported(new NodeReport("n1", true, LeasePhase.Running, 1, 0, null)), 105.3);
        Feed(Waiting("n2"), 107.1);
        Assert.Empty(_effects.OfType<ReserveEpoch>());
        Feed(Waiting("n2"), 107.2);
        Assert.Equal(new ReserveEpoch(2, "n2"), Assert.Single(_effects));
    }

    [Fact]
    public void An_owner_whose_daemon_says_that_its_guard_is_gone_is_missed_like_one_that_is_silent()
    {
        Feed(new NodeReported(new NodeReport("n1", false, null, 1, 0, null)), 104.9);
        Feed(Waiting("n2"), 105);
        Probe(105, remaining: 2);
        Assert.IsType<FencingBegun>(Assert.Single(_effects.OfType<Journal>()).Event);
    }

    [Fact]
    public void An_owner_whose_daemon_answers_is_left_alone_until_its_promises_end()
    {
        Feed(new NodeReported(new NodeReport("n1", true, LeasePhase.Running, 1, 0, null)), 104.9);
        Probe(105, remaining: 1);
        Assert.Empty(_effects);
    }

    [Fact]
    public void Without_a_fence_command_promises_are_never_broken_into()
    {
        _state = _state with { Settings = Settings with { PowerFencing = null } };
        Probe(105, remaining: 0.5);
        Assert.Empty(_effects);
    }

    [Fact]
    public void Nothing_is_cut_where_there_is_nothing_to_wait_for()
    {
        Probe(105, remaining: 0);
        Feed(new Journalled(Assert.IsType<Journal>(Assert.Single(_effects)).Event), 105.1);
        RaiseAt("n2", 105.1, remaining: 0);
        RaiseAt("n3", 105.1, remaining: 0);
        Assert.Equal(new ReserveEpoch(2, "n2"), Assert.Single(_effects));
    }

    private static OwnershipGranted Granted(long epoch, string node) =>
        new(Then, epoch, node, Voters, Moments.Timings.Ttl, Moments.Timings.StopBudget, GrantCause.Start);

    private static NodeReported Waiting(string node) => new(new NodeReport(node, true, null, 0, 0, null));

    private IEnumerable<Release> Releases() => _effects.OfType<AskVoter>().Select(ask => ask.Request).OfType<Release>();

    private IEnumerable<Fence> Fences() => _effects.OfType<AskVoter>().Select(ask => ask.Request).OfType<Fence>();

    /// <summary>A majority says that its promises have run for long.</summary>
    private void Probe(double at, double remaining)
    {
        Feed(Waiting("n2"), at);
        var nonce = _state.Probing!.Nonce;
        foreach (var voter in new[] { "n2", "n3" })
        {
            Feed(
                new VoterAnswered(new ProbeReply("wiki", voter, Guid.Empty, nonce, false, new Binding(1, "n1"), TimeSpan.FromSeconds(remaining))),
                at + 0.1);
        }
    }

    private void SuspectAt(double at)
    {
        Probe(105, remaining: 2);
        Feed(new Journalled(Assert.IsType<Journal>(Assert.Single(_effects)).Event), at);
    }

    private void CutAt(double at, double remaining = 2)
    {
        SuspectAt(at);
        RaiseAt("n2", at, remaining);
        RaiseAt("n3", at, remaining);
        Assert.Single(_effects.OfType<RunFence>());
    }

    private void Feed(OwnershipInput input, double at) => (_state, _effects) = OwnershipMachine.Handle(_state, input, Moments.At(at));

    private void RaiseAt(string voter, double at, double remaining) => Feed(
        new VoterAnswered(new FenceReply(
            "wiki", voter, Guid.Empty, _state.Fencing!.Nonce, _state.Fencing.Epoch, FenceOutcome.Raised,
            new Binding(_state.Fencing.Epoch, null), TimeSpan.FromSeconds(remaining))),
        at);
}
