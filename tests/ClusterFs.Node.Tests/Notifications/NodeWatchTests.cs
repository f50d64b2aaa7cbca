using System.Collections.Immutable;
using ClusterFs.Api;
using ClusterFs.Node.Notifications;

namespace ClusterFs.Node.Tests.Notifications;

public sealed class NodeWatchTests
{
    /// <summary>Of four nodes those that are reached.</summary>
    [Theory]
    [InlineData("n1 n2 n3", false, null, true)]
    [InlineData("n1 n2", false, null, false)]
    [InlineData("n1 n2", true, null, true)]
    [InlineData("n1 n2", false, "n2", true)]
    [InlineData("n1 n2", false, "n3", false)]
    [InlineData("n1", false, "n4", false)]
    public void Half_of_the_nodes_go_on_where_the_claim_is_held_by_one_of_them(string reached, bool isHolder, string? otherHolder, bool goesOn) => Assert.Equal(
        goesOn,
        NodeWatch.GoesOn([.. Enumerable.Range(1, 4).Select(number => Member($"n{number}", reached.Split(' ')))], isHolder, otherHolder));

    private static MemberStatus Member(string name, string[] reached) => new(name, $"{name}:4053", "up", reached.Contains(name));
}
