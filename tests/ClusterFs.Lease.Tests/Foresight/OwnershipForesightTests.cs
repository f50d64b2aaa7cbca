using System.Collections.Immutable;
using ClusterFs.Lease.Foresight;
using ClusterFs.Lease.Holder;
using ClusterFs.Lease.Ownership;

namespace ClusterFs.Lease.Tests.Foresight;

public sealed class OwnershipForesightTests
{
    private const string Wiki = "wiki";
    private static readonly DateTimeOffset Then = DateTimeOffset.UnixEpoch;
    private static readonly TimeSpan Ttl = Moments.Timings.Ttl;

    [Fact]
    public void A_killed_owner_is_followed_by_the_next_when_its_promises_are_over()
    {
        var seen = Look(Three(), new ForeseenWorld("n2") { Killed = "n1" });

        Assert.Equal(("n1", "n2"), (seen.Owner, seen.Next));
        Assert.InRange(seen.LeasedAfter!.Value, Ttl * 0.75, Ttl + TimeSpan.FromSeconds(2));
        Assert.Null(seen.StoppedAfter);
        Assert.Contains(seen.Steps, step => step.Text.Contains("epoch 8 is fenced", StringComparison.Ordinal));
        Assert.Contains(seen.Steps, step => step.Text.Contains("granted to n2", StringComparison.Ordinal));
    }

    [Fact]
    public void An_owner_whose_decider_is_killed_with_it_is_followed_later()
    {
        var decidedElsewhere = Look(Three(), new ForeseenWorld("n2") { Killed = "n1" }).LeasedAfter!.Value;
        var seen = Look(Three(), new ForeseenWorld("n1") { Killed = "n1", MembershipTakes = TimeSpan.FromSeconds(7) });

        Assert.Equal("n2", seen.Next);
        Assert.True(seen.LeasedAfter > decidedElsewhere, $"{seen.LeasedAfter} is not later than {decidedElsewhere}");
        Assert.Contains(seen.Steps, step => step.Text.Contains("recovers from the journal", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("n2")]
    [InlineData("n3")]
    public void The_loss_of_another_node_changes_nothing(string killed)
    {
        var seen = Look(Three(), new ForeseenWorld("n3") { Killed = killed });

        Assert.Null(seen.Next);
        Assert.Null(seen.StoppedAfter);
    }

    [Fact]
    public void The_second_of_three_voters_takes_the_service_with_it()
    {
        var seen = Look(Three(), new ForeseenWorld("n1") { Killed = "n2", Silent = ["n3"] });

        Assert.InRange(seen.StoppedAfter!.Value, Ttl / 2, Ttl);
        Assert.Null(seen.LeasedAfter);
    }

    [Fact]
    public void The_loss_of_the_database_stops_nothing_and_lets_nothing_be_decided()
    {
        var seen = Look(Three(), new ForeseenWorld("n2") { DatabaseLost = true });
        Assert.Null(seen.StoppedAfter);
        Assert.Null(seen.Next);

        var worse = Look(Three(), new ForeseenWorld("n2") { DatabaseLost = true, Killed = "n1" });
        Assert.Null(worse.LeasedAfter);
        Assert.Contains(worse.Steps, step => step.Text.Contains("journal's database is away", StringComparison.Ordinal));
    }

    [Fact]
    public void Of_two_nodes_either_may_be_lost_or_the_database_and_not_two_of_the_three()
    {
        Assert.Equal("n2", Look(Two(), new ForeseenWorld("n2") { Killed = "n1" }).Next);
        Assert.Null(Look(Two(), new ForeseenWorld("n1") { Killed = "n2" }).StoppedAfter);
        Assert.Null(Look(Two(), new ForeseenWorld("n1") { DatabaseLost = true }).StoppedAfter);
        Assert.NotNull(Look(Two(), new ForeseenWorld("n1") { DatabaseLost = true, Killed = "n2" }).StoppedAfter);
    }

    [Fact]
    public void A_node_that_waits_for_nothing_is_not_next()
    {
        var state = Present(["n1", "n2", "n3"], ["n1", "n2", "n3"], wanted: ["n1", "n3"]);

        Assert.Equal("n3", Look(state, new ForeseenWorld("n2") { Killed = "n1" }).Next);
    }

    [Fact]
    public void A_paused_service_goes_nowhere()
    {
        var state = Three();
        state = state with { Record = state.Record.Apply(new OwnershipPaused(Then)) };

        Assert.Null(Look(state, new ForeseenWorld("n2") { Killed = "n1" }).LeasedAfter);
    }

    [Fact]
    public void An_owner_that_nobody_hears_of_is_taken_for_lost_and_that_is_said()
    {
        var away = Look(Present(["n1", "n2", "n3", "n4", "n5"], ["n1", "n2", "n3", "n4", "n5"], ["n1", "n2", "n3"]), new ForeseenWorld("n2") { Killed = "n5", Silent = ["n1"] });
        Assert.True(away.OwnerIsLost);
        Assert.Equal(["n1"], away.TakenForLost);
        Assert.Equal("n2", away.Next);

        Assert.True(Look(Three(), new ForeseenWorld("n2") { Killed = "n1" }).OwnerIsLost);
        var healthy = Look(Three(), new ForeseenWorld("n2") { Killed = "n3" });
        Assert.False(healthy.OwnerIsLost);
        Assert.Empty(healthy.TakenForLost);
    }

    [Fact]
    public void What_is_under_way_as_it_looks_ahead_is_done_again()
    {
        var state = Three() with { Reserving = true, Pending = new OwnershipPaused(Then) };

        Assert.NotNull(Look(state, new ForeseenWorld("n2") { Killed = "n1" }).LeasedAfter);
    }

    [Fact]
    public void Nothing_is_changed_by_looking_ahead()
    {
        var state = Three();
        var before = state with { };
        Look(state, new ForeseenWorld("n2") { Killed = "n1" });

        Assert.Equal(before, state);
    }

    private static Foreseen Look(OwnershipState state, ForeseenWorld world) => OwnershipForesight.Look(state, world, Moments.At(100));

    private static OwnershipState Three() => Present(["n1", "n2", "n3"], ["n1", "n2", "n3"], ["n1", "n2", "n3"]);

    private static OwnershipState Two() => Present(["n1", "n2"], ["n1", "n2", ForeseenWorld.SqlVoter], ["n1", "n2"]);

    /// <summary>n1 has run the service under epoch 7 for a while.</summary>
    private static OwnershipState Present(string[] nodes, string[] voters, string[] wanted)
    {
        var settings = new OwnershipSettings(Wiki, voters.ToImmutableSortedSet(StringComparer.Ordinal), [.. nodes], Moments.Timings);
        var record = OwnershipRecord.Empty
            .Apply(new FencingBegun(Then, 7, GrantCause.Start))
            .Apply(new OwnershipGranted(Then, 7, "n1", settings.Voters, Ttl, Moments.Timings.StopBudget, GrantCause.Start));
        var state = OwnershipMachine.Start(settings, Guid.NewGuid(), record, Moments.At(0));
        foreach (var node in nodes)
        {
            var report = node == "n1"
                ? new NodeReport(node, true, LeasePhase.Running, 7, 6, null)
                : new NodeReport(node, wanted.Contains(node), null, 0, 0, null);
            (state, _) = OwnershipMachine.Handle(state, new NodeReported(report), Moments.At(100));
        }

        return state;
    }
}
