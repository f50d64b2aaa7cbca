using System.Collections.Immutable;
using ClusterFs.Content.Static;

namespace ClusterFs.Content.Tests.Static;

public sealed class SwitchRulesTests
{
    [Fact]
    public void It_waits_until_all_nodes_that_can_be_reached_are_ready()
    {
        Assert.Equal((false, "waiting for n2, n3"), Decide([]));
        Assert.Equal((false, "waiting for n3"), Decide([Ready("n2", 7)]));
        Assert.Equal((false, "waiting for n3"), Decide([Ready("n2", 7), Ready("n3", 6)]));
        Assert.Equal((true, "all nodes that can be reached are ready"), Decide([Ready("n2", 7), Ready("n3", 7)]));
    }

    [Fact]
    public void A_node_that_cannot_be_reached_is_not_waited_for() =>
        Assert.True(Decide([Ready("n2", 7)], reachable: ["n1", "n2"]).Now);

    [Fact]
    public void A_node_that_cannot_prepare_it_is_not_waited_for() =>
        Assert.True(Decide([Ready("n2", 7), Ready("n3", 6) with { Failed = 7 }]).Now);

    [Fact]
    public void When_one_has_switched_the_others_follow() =>
        Assert.Equal((true, "n2 has switched"), Decide([Ready("n2", 7) with { Current = 7 }]));

    [Fact]
    public void When_shared_storage_says_that_nodes_have_switched_it_follows_before_it_is_in_the_cluster() =>
        Assert.Equal((true, "the others have switched"), Decide([], reachable: null, switched: 7));

    [Fact]
    public void In_no_cluster_it_waits_but_not_for_ever()
    {
        Assert.Equal((false, "waiting for the cluster"), Decide([], reachable: null));
        Assert.True(Decide([], reachable: null, waited: 30).Now);
    }

    [Fact]
    public void A_node_that_does_not_get_ready_is_left_behind() =>
        Assert.Equal((true, "n3 is not ready, and was waited for long enough"), Decide([Ready("n2", 7)], waited: 30));

    [Fact]
    public void A_generation_that_another_node_skips_is_skipped_here_too_but_not_for_ever()
    {
        Assert.Equal((false, "n3 has a newer one ready, which is prepared here too"), Decide([Ready("n2", 7), Ready("n3", 8)]));
        Assert.True(Decide([Ready("n2", 7), Ready("n3", 8)], waited: 30).Now);
        Assert.True(Decide([Ready("n2", 7), Ready("n3", 8)], reachable: ["n1", "n2"]).Now);
    }

    [Fact]
    public void What_is_said_of_another_log_counts_for_nothing() =>
        Assert.Equal((false, "waiting for n2, n3"), Decide([Ready("n2", 7) with { Current = 7, Line = "b" }, Ready("n3", 8) with { Line = "b" }]));

    [Fact]
    public void It_never_goes_back() => Assert.Equal((false, null), Decide([Ready("n2", 8) with { Current = 8 }], current: 7, switched: 9));

    private static NodeSighting Ready(string node, long prepared) => new(node, 7, prepared, 6, 0, "a");

    private static (bool Now, string? Because) Decide(
        NodeSighting[] said, string[]? reachable, long current = 6, long switched = 6, int waited = 1)
    {
        var decision = SwitchRules.Decide(new SwitchView(
            7,
            current,
            switched,
            ["n2", "n3"],
            reachable?.ToImmutableHashSet(StringComparer.Ordinal),
            said.ToDictionary(one => one.Node, StringComparer.Ordinal),
            TimeSpan.FromSeconds(waited),
            TimeSpan.FromSeconds(30),
            "a"));
        return (decision.Now, decision.Because);
    }

    private static (bool Now, string? Because) Decide(NodeSighting[] said, long current = 6, long switched = 6, int waited = 1) =>
        Decide(said, ["n1", "n2", "n3"], current, switched, waited);
}
