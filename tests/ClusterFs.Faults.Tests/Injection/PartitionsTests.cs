using ClusterFs.Demo;
using ClusterFs.Faults.Injection;
using ClusterFs.Faults.Schedule;

namespace ClusterFs.Faults.Tests.Injection;

public sealed class PartitionsTests
{
    private const string Database = LocalCluster.DatabaseHost;
    private static readonly string[] Nodes = ["n1", "n2", "n3"];

    [Fact]
    public void A_deaf_node_can_still_be_heard()
    {
        Assert.Equal([("n2", "n1"), ("n3", "n1"), (Database, "n1")], Partitions.WaysOf(Shape.Deaf, ["n1"], Nodes));
    }

    [Fact]
    public void A_mute_node_still_hears()
    {
        Assert.Equal([("n1", "n2"), ("n1", "n3"), ("n1", Database)], Partitions.WaysOf(Shape.Mute, ["n1"], Nodes));
    }

    [Fact]
    public void A_pair_is_cut_both_ways_and_nobody_else()
    {
        Assert.Equal([("n1", "n3"), ("n3", "n1")], Partitions.WaysOf(Shape.Pair, ["n1", "n3"], Nodes));
    }

    [Fact]
    public void A_node_that_is_cut_off_from_the_database_reaches_the_others()
    {
        Assert.Equal([("n2", Database), (Database, "n2")], Partitions.WaysOf(Shape.FromDatabase, ["n2"], Nodes));
    }

    [Fact]
    public void Two_in_a_minority_reach_each_other()
    {
        var ways = Partitions.WaysOf(Shape.Minority, ["n1", "n2"], ["n1", "n2", "n3", "n4", "n5"]);

        Assert.Equal(2 * 2 * 4, ways.Count);
        Assert.DoesNotContain(("n1", "n2"), ways);
    }
}
