using System.Collections.Immutable;
using ClusterFs.Lease.Holder;
using ClusterFs.Lease.Ownership;
using ClusterFs.Lease.Voter;

namespace ClusterFs.Lease.Tests.Ownership;

public sealed class CompanyRulesTests
{
    private static readonly DateTimeOffset Then = DateTimeOffset.UnixEpoch;
    private static readonly ImmutableSortedSet<string> Voters = ["n1", "n2", "n3"];

    /// <summary>app with db and depends on it: db leads.</summary>
    private static readonly OwnershipSettings App = new("app", Voters, ["n1", "n2", "n3"], Moments.Timings) { Company = new Company(["db"], ["db", "app"]) };

    private static readonly OwnershipSettings Db = App with { Service = "db", Company = new Company([], ["db", "app"]) };

    private OwnershipState _state = null!;
    private CompanyWatch _watch = CompanyWatch.Begin;

    [Fact]
    public void It_is_granted_to_nobody_before_what_it_depends_on_runs()
    {
        _state = Begin(App);
        Wait("n1", 0);
        Assert.Null(_state.Pending);
        Assert.Equal(HoldBack.Waits, OwnershipMachine.HeldBack(_state));

        Hear(1, new Neighbour("db", "n2", Runs: false, ["n1"]));
        Assert.Null(_state.Pending);
        Hear(1, new Neighbour("db", "n2", Runs: true, ["n1"]));
        Assert.IsType<FencingBegun>(_state.Pending);
    }

    [Fact]
    public void It_is_granted_where_what_it_is_kept_with_is_and_else_in_order()
    {
        _state = Begin(App);
        Hear(0, new Neighbour("db", "n2", true, []));
        Wait("n1", 0);
        Assert.Equal("n1", OwnershipMachine.NextOwner(_state, Moments.At(0)));
        Wait("n2", 0);
        Assert.Equal("n2", OwnershipMachine.NextOwner(_state, Moments.At(0)));
        Assert.Equal("n2", OwnershipMachine.WouldGrant(_state, Moments.At(0)));
    }

    [Fact]
    public void One_that_was_never_heard_of_holds_back_the_grant_only_for_a_while()
    {
        Assert.Equal<string>(["app"], CompanyRules.Place(Begin(Db), new Dictionary<string, Neighbour>(), TimeSpan.FromSeconds(4)).Awaited);
        Assert.Empty(CompanyRules.Place(Begin(Db), new Dictionary<string, Neighbour>(), TimeSpan.FromSeconds(5)).Awaited);
        Assert.Equal<string>(["db"], CompanyRules.Place(Begin(App), new Dictionary<string, Neighbour>(), TimeSpan.FromSeconds(100)).Awaited);
    }

    [Fact]
    public void What_runs_is_not_stopped_by_the_end_of_what_it_depends_on()
    {
        Recover(App, "n1");
        Run("n1", 0);
        Hear(1, new Neighbour("db", null, false, []));
        Assert.Null(_state.Pending);
        Assert.True(OwnershipMachine.OwnerRuns(_state, Moments.At(1)));
    }

    [Fact]
    public void A_follower_goes_after_its_leader_when_it_has_been_elsewhere_for_a_while()
    {
        Recover(App, "n1");
        var db = new Neighbour("db", "n2", true, ["n3"]);
        Run("n1", 0);
        Wait("n2", 0);
        Assert.Equal((CompanyHindrance.NotLongEnough, "n2"), Look(0, db));
        Run("n1", 5);
        Wait("n2", 5);
        Assert.Equal((null, "n2"), Look(5, db));

        Feed(new Journalled(new MoveBegun(Then, "n1", "n2", 1) { Why = MoveReason.Together }), 5);
        Assert.Equal((CompanyHindrance.Busy, "n2"), Look(5, db));
        Feed(new Journalled(new MoveAbandoned(Then, "n2", "gone")), 5);
        Run("n1", 6);
        Wait("n3", 6);
        Assert.Equal((CompanyHindrance.TriedLately, "n2"), Look(6, db));
        Assert.Equal((CompanyHindrance.TriedLately, "n3"), Look(6, db with { Owner = "n3" }));
        Run("n1", 605);
        Wait("n2", 605);
        Assert.Equal((null, "n2"), Look(605, db));
    }

    [Fact]
    public void Whoever_recovers_counts_from_then_and_what_did_not_last_is_the_last()
    {
        MoveBegun move = new(Then, "n1", "n2", 1) { Why = MoveReason.Together };
        var db = new Neighbour("db", "n2", true, []);
        Recover(App, "n1", move, new MoveAbandoned(Then, "n2", "gone"));
        Assert.Equal((CompanyHindrance.TriedLately, "n2"), LookAfter(0, 599, db));
        Assert.Equal((null, "n2"), LookAfter(600, 600, db));

        var damped = App with { Damping = new FlapDamping(5, TimeSpan.FromSeconds(60)) };
        OwnershipEvent[] back = [move, .. Granted(2, "n2", GrantCause.Move), .. Granted(3, "n1", GrantCause.Start), new OwnershipSettled(Then, 3, "n1")];
        Recover(damped, "n1", back);
        Assert.Equal((CompanyHindrance.DidNotLast, "n2"), LookAfter(0, 7200, db, epoch: 3));
        Recover(damped, "n1", [.. back, new OwnershipResumed(Then)]);
        Assert.Equal((null, "n2"), LookAfter(0, 5, db, epoch: 3));
        Recover(damped, "n1", [.. back, new MoveBegun(Then, "n1", "n3", 3), .. Granted(4, "n3", GrantCause.Move)]);
        Assert.Null(_state.Record.Together);
    }

    [Fact]
    public void A_resume_is_more_than_an_answer_where_moves_are_held_back()
    {
        Recover(App, "n1", new MoveBegun(Then, "n1", "n2", 1) { Why = MoveReason.Together }, new MoveAbandoned(Then, "n2", "gone"));
        Feed(new PauseRequested(Guid.NewGuid(), false), 0);
        Assert.IsType<OwnershipResumed>(_state.Pending);
        Recover(App, "n1");
        Feed(new PauseRequested(Guid.NewGuid(), false), 0);
        Assert.Null(_state.Pending);
    }

    [Fact]
    public void What_went_with_its_node_does_not_count_as_running_and_what_is_elsewhere_does()
    {
        Recover(App, "n1");
        var silent = new Neighbour("db", "n1", true, []) { IsSilent = true };
        Assert.Equal<string>(["db"], Awaited(silent));
        Assert.Empty(Awaited(silent with { Owner = "n2" }));
        Assert.Empty(Awaited(silent with { IsSilent = false }));
    }

    [Fact]
    public void A_choice_that_was_right_is_not_granted_when_what_it_depends_on_has_ended_meanwhile()
    {
        _state = Begin(App);
        Hear(0, new Neighbour("db", "n2", true, []));
        Wait("n1", 0);
        var fencing = Assert.IsType<FencingBegun>(_state.Pending);
        Feed(new Journalled(fencing), 0);
        foreach (var voter in Voters)
        {
            Feed(new VoterAnswered(new FenceReply("app", voter, Guid.NewGuid(), _state.Fencing!.Nonce, 1, FenceOutcome.Raised, new Binding(1, null), TimeSpan.Zero)), 0);
        }

        Assert.True(_state.Reserving);
        Hear(0.1, new Neighbour("db", null, false, []));
        Feed(new EpochReserved(1, "n1", true), 0.1);
        Assert.Null(_state.Pending);
        Hear(0.2, new Neighbour("db", "n2", true, []));
        Feed(new EpochReserved(1, "n1", true), 0.2);
        Assert.IsType<OwnershipGranted>(_state.Pending);
    }

    [Fact]
    public void It_does_not_while_it_is_paused_nor_after_a_leader_that_does_not_run()
    {
        Recover(App, "n1", new OwnershipPaused(Then));
        Run("n1", 0);
        Wait("n2", 0);
        Assert.Equal((CompanyHindrance.Paused, "n2"), Look(0, new Neighbour("db", "n2", true, [])));
        Assert.Null(Look(0, new Neighbour("db", "n2", false, [])));
        Assert.Null(Look(0, new Neighbour("db", "n1", true, [])));
    }

    [Fact]
    public void The_leader_goes_to_a_follower_that_cannot_come()
    {
        Recover(Db, "n1");
        Run("n1", 0);
        Wait("n2", 0);
        Assert.Null(Look(0, new Neighbour("app", "n2", true, ["n1"])));
        var stays = new Neighbour("app", "n2", true, ["n3"]);
        Assert.Equal((CompanyHindrance.NotLongEnough, "n2"), Look(0, stays));
        Run("n1", 14);
        Wait("n2", 14);
        Assert.Equal(CompanyHindrance.NotLongEnough, Look(14, stays)!.Value.Hindrance);
        Run("n1", 15);
        Assert.Null(Look(15, stays)!.Value.Hindrance);
    }

    [Fact]
    public void The_leader_does_not_leave_one_behind_to_fetch_another()
    {
        Recover(Db with { Company = new Company([], ["db", "a", "b"]) }, "n1");
        Run("n1", 0);
        Wait("n2", 0);
        Neighbour[] torn = [new("a", "n2", true, []), new("b", "n1", true, [])];
        Assert.Equal((CompanyHindrance.OthersUnfit, "n2"), Look(0, torn));
        Run("n1", 100);
        Wait("n2", 100);
        Assert.Equal((CompanyHindrance.OthersUnfit, "n2"), Look(100, torn));
        Neighbour[] could = [torn[0], torn[1] with { Candidates = ["n2"] }];
        Assert.Equal((CompanyHindrance.NotLongEnough, "n2"), Look(100, could));
        Run("n1", 115);
        Wait("n2", 115);
        Assert.Equal((null, "n2"), Look(115, could));
    }

    [Fact]
    public void One_that_is_paused_elsewhere_is_none_that_could_come()
    {
        Assert.False(CompanyRules.CanAllBeOn(Db, Known(new Neighbour("app", "n2", true, ["n1"]) { Stays = true }), "n1"));
        Assert.True(CompanyRules.CanAllBeOn(Db, Known(new Neighbour("app", "n1", true, []) { Stays = true }), "n1"));
    }

    [Fact]
    public void It_is_granted_beside_one_that_runs_rather_than_where_another_is_no_more()
    {
        var settings = Db with { Service = "c", Company = new Company([], ["a", "b", "c"]) };
        Assert.Equal("n3", CompanyRules.Place(Begin(settings), Known(new Neighbour("a", "n1", false, []), new Neighbour("b", "n3", true, [])), TimeSpan.Zero).Beside);
    }

    [Fact]
    public void The_leader_goes_back_to_its_first_node_only_where_all_could_follow()
    {
        Assert.True(CompanyRules.CanAllBeOn(Db, Known(new Neighbour("app", "n2", true, ["n1"])), "n1"));
        Assert.True(CompanyRules.CanAllBeOn(Db, Known(new Neighbour("app", null, false, [])), "n1"));
        Assert.False(CompanyRules.CanAllBeOn(Db, Known(new Neighbour("app", "n2", true, ["n3"])), "n1"));
        Assert.False(CompanyRules.CanAllBeOn(Db, Known(), "n1"));
    }

    private static OwnershipState Begin(OwnershipSettings settings) => OwnershipMachine.Start(settings, Guid.NewGuid(), OwnershipRecord.Empty, Moments.At(0));

    private static Dictionary<string, Neighbour> Known(params Neighbour[] others) => others.ToDictionary(other => other.Service, StringComparer.Ordinal);

    private void Recover(OwnershipSettings settings, string owner, params OwnershipEvent[] further)
    {
        OwnershipEvent[] events = [.. Granted(1, owner, GrantCause.Start), .. further];
        _watch = CompanyWatch.Begin;
        _state = OwnershipMachine.Start(
            settings, Guid.NewGuid(), events.Aggregate(OwnershipRecord.Empty, (sum, happened) => sum.Apply(happened)), Moments.At(0));
    }

    private static OwnershipEvent[] Granted(long epoch, string node, GrantCause cause) =>
    [
        new FencingBegun(Then, epoch, cause),
        new OwnershipGranted(Then, epoch, node, Voters, Moments.Timings.Ttl, Moments.Timings.StopBudget, cause),
    ];

    private ImmutableArray<string> Awaited(params Neighbour[] others) => CompanyRules.Place(_state, Known(others), TimeSpan.FromSeconds(100)).Awaited;

    /// <summary>Apart since a moment, looked at then and later.</summary>
    private (CompanyHindrance? Hindrance, string Node)? LookAfter(double since, double at, Neighbour other, long epoch = 1)
    {
        (CompanyHindrance?, string)? seen = null;
        foreach (var moment in (double[])[since, at])
        {
            Run("n1", moment, epoch);
            if (_state.Pending is { } pending)
            {
                Feed(new Journalled(pending), moment);
            }

            Wait("n2", moment);
            seen = Look(moment, other);
        }

        return seen;
    }

    private void Wait(string node, double at) => Feed(new NodeReported(new NodeReport(node, true, null, 0, 0, null)), at);

    private void Run(string node, double at, long epoch = 1) => Feed(new NodeReported(new NodeReport(node, true, LeasePhase.Running, epoch, epoch - 1, null)), at);

    private void Hear(double at, params Neighbour[] others) =>
        Feed(new PlacementNoted(CompanyRules.Place(_state, Known(others), TimeSpan.FromSeconds(at))), at);

    private (CompanyHindrance? Hindrance, string Node)? Look(double at, params Neighbour[] others)
    {
        (_watch, var standing) = CompanyRules.Look(_state, _watch, Known(others), Moments.At(at));
        return standing is null ? null : (standing.Hindrance, standing.Node);
    }

    private void Feed(OwnershipInput input, double at) => (_state, _) = OwnershipMachine.Handle(_state, input, Moments.At(at));
}
