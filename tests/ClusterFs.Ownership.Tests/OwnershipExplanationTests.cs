using ClusterFs.Lease;
using ClusterFs.Lease.Holder;
using ClusterFs.Lease.Ownership;

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

        var explained = OwnershipExplanation.Draw(state, At(100));

        Assert.Equal(["owner", "cannot", "next"], explained.Nodes.Select(node => node.Standing));
        Assert.Contains("neither `clusterfs run` nor `hold`", explained.Nodes[1].Text, StringComparison.Ordinal);
        Assert.Contains("If the owner were lost now, n3 would be next.", explained.Why);
    }

    [Fact]
    public void Silence_and_what_is_left_of_an_older_epoch_are_said()
    {
        var state = State(new NodeReport("n1", true, LeasePhase.Running, 7, 6, null), new NodeReport("n3", true, LeasePhase.Stopping, 6, 5, "it hangs"));

        var explained = OwnershipExplanation.Draw(state, At(100));

        Assert.Contains("not heard of", explained.Nodes[1].Text, StringComparison.Ordinal);
        Assert.Contains("it hangs", explained.Nodes[2].Text, StringComparison.Ordinal);
        Assert.Contains("No other node could be granted it if the owner were lost now.", explained.Why);
    }

    [Fact]
    public void A_candidate_that_is_not_next_hears_who_comes_first_and_a_pause_is_said()
    {
        var state = State(
            new NodeReport("n1", true, LeasePhase.Running, 7, 6, null), new NodeReport("n2", true, null, 0, 0, null), new NodeReport("n3", true, null, 0, 0, null));
        state = state with { Record = state.Record.Apply(new OwnershipPaused(Then)) };

        var explained = OwnershipExplanation.Draw(state, At(100));

        Assert.Equal(["owner", "next", "candidate"], explained.Nodes.Select(node => node.Standing));
        Assert.Contains("n2 comes first", explained.Nodes[2].Text, StringComparison.Ordinal);
        Assert.Contains(explained.Why, sentence => sentence.StartsWith("It is paused", StringComparison.Ordinal));
    }

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
