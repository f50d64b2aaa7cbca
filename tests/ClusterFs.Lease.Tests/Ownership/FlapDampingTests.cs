using System.Collections.Immutable;
using ClusterFs.Lease.Holder;
using ClusterFs.Lease.Ownership;

namespace ClusterFs.Lease.Tests.Ownership;

public sealed class FlapDampingTests
{
    private static readonly DateTimeOffset Then = DateTimeOffset.UnixEpoch;
    private static readonly ImmutableSortedSet<string> Voters = ["n1", "n2", "n3"];
    private static readonly OwnershipSettings Settings = new("wiki", Voters, ["n1", "n2", "n3"], Moments.Timings)
    {
        Damping = new FlapDamping(2, TimeSpan.FromSeconds(60)),
    };

    private OwnershipState _state = null!;
    private ImmutableArray<OwnershipEffect> _effects = [];
    private double _at;

    [Fact]
    public void That_it_runs_is_journalled_once_for_each_epoch()
    {
        Recover(Granted(1));
        Feed(Running(1), 100);
        Assert.Equal(new OwnershipStarted(Then, 1, "n1"), Journalled());
        Feed(Running(1), 101);
        Assert.Empty(_effects.OfType<Journal>());
    }

    [Fact]
    public void An_owner_that_goes_on_in_place_has_not_started_again()
    {
        Recover([Granted(1), new OwnershipStarted(Then, 1, "n1"), new FencingBegun(Then, 2, GrantCause.Failover), new OwnershipContinued(Then, 2, "n1")]);
        Feed(Running(2, tenure: 1), 100);
        Assert.Empty(_effects.OfType<Journal>());
        Feed(Running(2, tenure: 1), 160);
        Assert.Equal(new OwnershipSettled(Then, 1, "n1"), Journalled());
    }

    [Fact]
    public void A_service_that_did_not_last_so_often_is_left_alone_and_said_so_once()
    {
        Recover([.. Lived(1), .. Lived(2)]);
        Feed(Waiting(closed: 2), 100);
        Assert.Equal(new OwnershipDamped(Then, 2, 2), Journalled());
        Feed(Waiting(closed: 2), 101);
        Assert.Empty(_effects);
    }

    [Fact]
    public void One_that_did_not_last_less_often_is_started_again()
    {
        Recover(Lived(1));
        Feed(Waiting(closed: 1), 100);
        Assert.Equal(new FencingBegun(Then, 2, GrantCause.Start), Journalled());
    }

    [Fact]
    public void An_owner_whose_lease_ran_out_is_no_reason_to_start_it_once_more()
    {
        Recover([.. Lived(1), Granted(2, GrantCause.Failover), new OwnershipStarted(Then, 2, "n1")]);
        Feed(new NodeReported(new NodeReport("n2", true, null, 0, 0, null)), 105);
        foreach (var voter in Voters.Take(2))
        {
            Feed(new VoterAnswered(new Lease.Voter.ProbeReply(
                "wiki", voter, Guid.Empty, _state.Probing!.Nonce, false, new Binding(2, "n1"), TimeSpan.Zero)), 105.1);
        }

        Assert.Equal(new OwnershipDamped(Then, 2, 2), Journalled());
    }

    [Fact]
    public void Epochs_under_which_it_never_ran_do_not_count()
    {
        Recover(Granted(1), Released(1), Granted(2), Released(2), Granted(3), Released(3));
        Feed(Waiting(closed: 3), 100);
        Assert.IsType<FencingBegun>(Journalled());
    }

    [Fact]
    public void Planned_moves_do_not_count()
    {
        Recover([.. Lived(1, GrantCause.Move), .. Lived(2, GrantCause.Move), .. Lived(3, GrantCause.Move)]);
        Feed(Waiting(closed: 3), 100);
        Assert.IsType<FencingBegun>(Journalled());
    }

    [Fact]
    public void Once_it_has_run_for_long_enough_the_count_begins_anew()
    {
        Recover([.. Lived(1), Granted(2), new OwnershipStarted(Then, 2, "n1")]);
        Feed(Running(2), 100);
        Feed(Running(2), 159.9);
        Assert.Empty(_effects.OfType<Journal>());
        Feed(Running(2), 160);
        Assert.Equal(new OwnershipSettled(Then, 2, "n1"), Journalled());
        Feed(Running(2), 161);
        Assert.Empty(_effects.OfType<Journal>());
        Assert.Equal(0, _state.Record.Flaps);
    }

    [Fact]
    public void Another_incarnation_goes_on_with_the_count_and_measures_again()
    {
        Recover([.. Lived(1), Granted(2), new OwnershipStarted(Then, 2, "n1")]);
        Feed(Running(2), 100);
        Recover([.. Lived(1), Granted(2), new OwnershipStarted(Then, 2, "n1")], at: 140);
        Feed(Running(2), 140);
        Feed(Running(2), 165);
        Assert.Empty(_effects.OfType<Journal>());
        Assert.Equal(2, _state.Record.Flaps);
    }

    [Fact]
    public void Resuming_acknowledges_it_and_starts_it_again()
    {
        Recover([.. Lived(1), .. Lived(2), new OwnershipDamped(Then, 2, 2)]);
        Feed(Waiting(closed: 2), 100);
        Assert.Empty(_effects);
        Feed(new PauseRequested(Guid.NewGuid(), Pause: false), 100);
        Assert.Equal(new OwnershipResumed(Then), Journalled());
        Assert.Equal(new FencingBegun(Then, 3, GrantCause.Start), Journalled());
    }

    [Fact]
    public void Without_a_limit_it_is_started_again_however_often_it_ends()
    {
        Recover(Enumerable.Range(1, 200).SelectMany(epoch => Lived(epoch)).ToArray(), settings: Settings with { Damping = null });
        Feed(Waiting(closed: 200), 100);
        Assert.IsType<FencingBegun>(Journalled());
    }

    private static OwnershipGranted Granted(long epoch, GrantCause cause = GrantCause.Start) =>
        new(Then, epoch, "n1", Voters, Moments.Timings.Ttl, Moments.Timings.StopBudget, cause);

    private static OwnershipReleased Released(long epoch) => new(Then, epoch, "n1", "the service ended");

    private static OwnershipEvent[] Lived(long epoch, GrantCause cause = GrantCause.Start) =>
        [Granted(epoch, cause), new OwnershipStarted(Then, epoch, "n1"), Released(epoch)];

    private static NodeReported Running(long epoch, long? tenure = null) =>
        new(new NodeReport("n1", true, LeasePhase.Running, epoch, (tenure ?? epoch) - 1, null));

    private static NodeReported Waiting(long closed) => new(new NodeReport("n1", true, LeasePhase.Closed, closed, closed, null));

    private void Recover(params OwnershipEvent[] events) => Recover(events, 100);

    private void Recover(OwnershipEvent[] events, double at = 100, OwnershipSettings? settings = null) => _state = OwnershipMachine.Start(
        settings ?? Settings, Guid.NewGuid(), events.Aggregate(OwnershipRecord.Empty, (record, happened) => record.Apply(happened)), Moments.At(at));

    private void Feed(OwnershipInput input, double at)
    {
        _at = at;
        (_state, _effects) = OwnershipMachine.Handle(_state, input, Moments.At(at));
    }

    /// <summary>The event that was to be journalled, as the journal gives it back.</summary>
    private OwnershipEvent Journalled()
    {
        var happened = Assert.Single(_effects.OfType<Journal>()).Event;
        Feed(new Journalled(happened), _at);
        return happened;
    }
}
