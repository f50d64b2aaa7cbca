using System.Collections.Immutable;
using ClusterFs.Lease.Holder;
using ClusterFs.Lease.Ownership;

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
        _state = OwnershipMachine.Start(App, Guid.NewGuid(), OwnershipRecord.Empty, Moments.At(0));
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
        _state = OwnershipMachine.Start(App, Guid.NewGuid(), OwnershipRecord.Empty, Moments.At(0));
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
        Assert.Equal<string>(["app"], CompanyRules.Place(Db, new Dictionary<string, Neighbour>(), TimeSpan.FromSeconds(4)).Awaited);
        Assert.Empty(CompanyRules.Place(Db, new Dictionary<string, Neighbour>(), TimeSpan.FromSeconds(5)).Awaited);
        Assert.Equal<string>(["db"], CompanyRules.Place(App, new Dictionary<string, Neighbour>(), TimeSpan.FromSeconds(100)).Awaited);
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

        Assert.Equal((CompanyHindrance.TriedLately, "n2"), Look(6, db));
        Wait("n3", 6);
        Assert.Equal((null, "n3"), Look(6, db with { Owner = "n3" }));
        Assert.Equal((CompanyHindrance.TriedLately, "n3"), Look(6, db with { Owner = "n3" }));
        Run("n1", 605);
        Wait("n2", 605);
        Assert.Equal((null, "n2"), Look(605, db));
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
    public void The_leader_goes_back_to_its_first_node_only_where_all_could_follow()
    {
        Assert.True(CompanyRules.CanAllBeOn(Db, Known(new Neighbour("app", "n2", true, ["n1"])), "n1"));
        Assert.True(CompanyRules.CanAllBeOn(Db, Known(new Neighbour("app", null, false, [])), "n1"));
        Assert.False(CompanyRules.CanAllBeOn(Db, Known(new Neighbour("app", "n2", true, ["n3"])), "n1"));
        Assert.False(CompanyRules.CanAllBeOn(Db, Known(), "n1"));
    }

    private static Dictionary<string, Neighbour> Known(params Neighbour[] others) => others.ToDictionary(other => other.Service, StringComparer.Ordinal);

    private void Recover(OwnershipSettings settings, string owner, params OwnershipEvent[] further)
    {
        OwnershipEvent[] events =
        [
            new FencingBegun(Then, 1, GrantCause.Start),
            new OwnershipGranted(Then, 1, owner, Voters, Moments.Timings.Ttl, Moments.Timings.StopBudget, GrantCause.Start),
            .. further,
        ];
        _state = OwnershipMachine.Start(
            settings, Guid.NewGuid(), events.Aggregate(OwnershipRecord.Empty, (sum, happened) => sum.Apply(happened)), Moments.At(0));
    }

    private void Wait(string node, double at) => Feed(new NodeReported(new NodeReport(node, true, null, 0, 0, null)), at);

    private void Run(string node, double at) => Feed(new NodeReported(new NodeReport(node, true, LeasePhase.Running, 1, 0, null)), at);

    private void Hear(double at, params Neighbour[] others) =>
        Feed(new PlacementNoted(CompanyRules.Place(_state.Settings, Known(others), TimeSpan.FromSeconds(at))), at);

    private (CompanyHindrance? Hindrance, string Node)? Look(double at, params Neighbour[] others)
    {
        (_watch, var standing) = CompanyRules.Look(_state, _watch, Known(others), Moments.At(at));
        return standing is null ? null : (standing.Hindrance, standing.Node);
    }

    private void Feed(OwnershipInput input, double at) => (_state, _) = OwnershipMachine.Handle(_state, input, Moments.At(at));
}
