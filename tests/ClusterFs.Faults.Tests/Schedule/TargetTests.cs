using ClusterFs.Faults.Schedule;

namespace ClusterFs.Faults.Tests.Schedule;

public sealed class TargetTests
{
    private static readonly string[] Nodes = ["n1", "n2", "n3"];

    [Fact]
    public void Others_are_counted_from_the_one_after_the_owner()
    {
        Assert.Equal(["n3"], Target.Other(0).Resolve(Nodes, "n2", "db"));
        Assert.Equal(["n1"], Target.Other(1).Resolve(Nodes, "n2", "db"));
    }

    [Fact]
    public void The_first_node_stands_for_an_owner_that_is_not_there()
    {
        Assert.Equal(["n1"], Target.Owner.Resolve(Nodes, null, "db"));
    }
}
