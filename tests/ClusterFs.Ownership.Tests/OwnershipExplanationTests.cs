using ClusterFs.Lease;
using ClusterFs.Lease.Holder;
using ClusterFs.Lease.Ownership;
using ClusterFs.Ownership.Messages;

namespace ClusterFs.Ownership.Tests;

public sealed class OwnershipExplanationTests
{
    private static readonly DateTimeOffset Then = DateTimeOffset.UnixEpoch;

    [Fact]
    public void Each_node_has_its_standing_and_its_reason()
    {
        var state = State(
            new NodeReport("n1", true, LeasePhase.Running, 7, 6, null),
            new NodeReport("n2", false, null, 0, 0, null),
            new NodeReport("n3", true, null, 0, 0, null));

        var explained = OwnershipExplanation.Draw(state, null, null, At(100));

        Assert.Equal(["owner", "cannot", "next"], explained.Nodes.Select(node => node.Standing));
        Assert.Contains("neither `clusterfs run` nor `hold`", explained.Nodes[1].Text, StringComparison.Ordinal);
        Assert.Contains("If the owner were lost now, n3 would be next.", explained.Why);
    }

    [Fact]
    public void Silence_and_what_is_left_of_an_older_epoch_are_said()
    {
        var state = State(new NodeReport("n1", true, LeasePhase.Running, 7, 6, null), new NodeReport("n3", true, LeasePhase.Stopping, 6, 5, "it hangs"));

        var explained = OwnershipExplanation.Draw(state, null, null, At(100));

        Assert.Contains("not heard of", explained.Nodes[1].Text, StringComparison.Ordinal);
        Assert.Contains("it hangs", explained.Nodes[2].Text, StringComparison.Ordinal);
        Assert.Contains("No other node would be granted it if the owner were lost now.", explained.Why);
    }

    [Fact]
    public void A_candidate_that_is_not_next_hears_who_comes_first_and_by_what()
    {
        var state = Three();
        var moving = state with { Record = state.Record.Apply(new MoveBegun(Then, "n1", "n3", 7)) };

        var explained = OwnershipExplanation.Draw(state, null, null, At(100));
        Assert.Equal(["owner", "next", "candidate"], explained.Nodes.Select(node => node.Standing));
        Assert.Contains("nodes has n3 in place 3", explained.Nodes[2].Text, StringComparison.Ordinal);

        explained = OwnershipExplanation.Draw(moving, null, null, At(100));
        Assert.Equal(["owner", "candidate", "next"], explained.Nodes.Select(node => node.Standing));
        Assert.Contains("it is being moved there", explained.Nodes[1].Text, StringComparison.Ordinal);
    }

    [Fact]
    public void While_it_is_paused_nobody_is_next()
    {
        var state = Three();
        state = state with { Record = state.Record.Apply(new OwnershipPaused(Then)) };

        var explained = OwnershipExplanation.Draw(state, null, null, At(100));

        Assert.Equal(["owner", "candidate", "candidate"], explained.Nodes.Select(node => node.Standing));
        Assert.Contains(explained.Why, sentence => sentence.StartsWith("It is paused", StringComparison.Ordinal));
        Assert.Contains("No other node would be granted it if the owner were lost now.", explained.Why);
    }

    [Fact]
    public void A_service_whose_next_end_would_be_one_too_many_goes_nowhere()
    {
        var state = Three();
        state = state with
        {
            Settings = state.Settings with { Damping = new FlapDamping(1, TimeSpan.FromMinutes(1)) },
            Record = state.Record.Apply(new OwnershipStarted(Then, 7, "n1")),
        };

        var explained = OwnershipExplanation.Draw(state, null, null, At(100));

        Assert.DoesNotContain(explained.Nodes, node => node.Standing == "next");
        Assert.Contains(explained.Why, sentence => sentence.Contains("if it ends now, it is left alone", StringComparison.Ordinal));
    }

    [Fact]
    public void While_an_expired_epoch_is_fenced_that_is_said_in_the_words_of_status()
    {
        var state = State(new NodeReport("n2", true, null, 0, 0, null), new NodeReport("n3", true, null, 0, 0, null)) with { Expired = true };
        state = state with { Record = state.Record.Apply(new FencingBegun(Then, 8, GrantCause.Failover)) };

        var explained = OwnershipExplanation.Draw(state, null, null, At(100));

        Assert.Contains(explained.Why, sentence => sentence.Contains("has said since that its lease ran out", StringComparison.Ordinal));
        Assert.DoesNotContain(explained.Why, sentence => sentence.Contains("That alone ends nothing", StringComparison.Ordinal));
        Assert.Contains("being ended", explained.Nodes[0].Text, StringComparison.Ordinal);
        var (stage, reason) = OwnershipPicture.Stage(state, ["n2", "n3"], At(100));
        Assert.Contains($"It is {stage.ToString().ToLowerInvariant()}: {reason}.", explained.Why);
    }

    [Fact]
    public void An_owner_that_was_lost_while_nothing_may_be_granted_is_not_said_to_own()
    {
        var lost = State(new NodeReport("n2", true, null, 0, 0, null)) with { SaidExpired = true };
        var paused = lost with { Record = lost.Record.Apply(new OwnershipPaused(Then)) };
        var company = lost.Settings with { Company = new Company(["db"], []) };
        var waits = lost with { Settings = company, Placement = new Placement(null, ["db"]) };

        Assert.Equal(OwnershipStage.Paused, OwnershipPicture.Stage(paused, ["n2"], At(100)).Stage);
        Assert.Equal(OwnershipStage.Vacant, OwnershipPicture.Stage(lost, [], At(100)).Stage);
        Assert.Equal((OwnershipStage.Vacant, "waits for db, which it depends on, to run"), OwnershipPicture.Stage(waits, ["n2"], At(100)));
        Assert.Equal(OwnershipStage.Fencing, OwnershipPicture.Stage(lost, ["n2"], At(100)).Stage);

        var lives = State(new NodeReport("n1", true, LeasePhase.Running, 7, 6, null)) with { SaidExpired = true };
        Assert.Equal((OwnershipStage.Owned, null), OwnershipPicture.Stage(lives, [], At(100)));
    }

    [Fact]
    public void A_new_owner_that_has_not_reported_yet_is_not_its_own_successor()
    {
        var state = State(new NodeReport("n1", true, null, 0, 0, null), new NodeReport("n2", true, null, 0, 0, null));

        Assert.Contains("If the owner were lost now, n2 would be next.", OwnershipExplanation.Draw(state, null, null, At(100)).Why);
    }

    [Fact]
    public void Whose_votes_keep_a_lease_is_said_while_they_are_not_those_that_are_configured()
    {
        var state = Three();
        var changed = state with { Settings = state.Settings with { Voters = ["n1", "n2", "sql"] } };

        Assert.Null(ElectorateWords.Tell(state));
        Assert.Equal("has its lease by the votes of n1, n2, n3, and has it by those of n1, n2, sql from its next move on", ElectorateWords.Tell(changed));
        Assert.Contains($"It {ElectorateWords.Tell(changed)}.", OwnershipExplanation.Draw(changed, null, null, At(100)).Why);
        Assert.Null(ElectorateWords.Tell(changed with { Record = state.Record.Apply(new OwnershipReleased(Then, 7, "n1", "a planned stop")) }));
    }

    private static OwnershipState Three() => State(
        new NodeReport("n1", true, LeasePhase.Running, 7, 6, null), new NodeReport("n2", true, null, 0, 0, null), new NodeReport("n3", true, null, 0, 0, null));

    private static OwnershipState State(params NodeReport[] reports)
    {
        var record = OwnershipRecord.Empty
            .Apply(new FencingBegun(Then, 7, GrantCause.Start))
            .Apply(new OwnershipGranted(Then, 7, "n1", OwnershipScene.Settings.Voters, OwnershipScene.Timings.Ttl, OwnershipScene.Timings.StopBudget, GrantCause.Start));
        var state = OwnershipMachine.Start(OwnershipScene.Settings, Guid.NewGuid(), record, At(0));
        foreach (var report in reports)
        {
            (state, _) = OwnershipMachine.Handle(state, new NodeReported(report), At(100));
        }

        return state;
    }

    private static Instant At(double seconds) => new(TimeSpan.FromSeconds(seconds), TimeSpan.FromSeconds(seconds));
}
