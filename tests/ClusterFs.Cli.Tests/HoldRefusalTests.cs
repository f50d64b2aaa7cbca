using ClusterFs.Api;
using ClusterFs.Cli.Commands;

namespace ClusterFs.Cli.Tests;

public sealed class HoldRefusalTests
{
    private static readonly ServiceStatus Vacant =
        new("wiki", ServiceState.Vacant, null, 0, null, null, null, [], 0, Paused: false, Reason: null, Phase: null, Dump: null);

    [Fact]
    public void A_service_of_another_node_is_refused_by_its_name() => Assert.Equal(
        "refused: node n2 owns it; 'clusterfs move wiki --to n1' brings it here",
        HoldRefusal.Judge("n1", Vacant with { State = ServiceState.Owned, Owner = "n2" }));

    [Fact]
    public void A_service_that_nobody_shall_have_is_refused()
    {
        Assert.Contains("paused", HoldRefusal.Judge("n1", Vacant with { State = ServiceState.Paused, Paused = true }), StringComparison.Ordinal);
        Assert.Contains(
            "never stayed up", HoldRefusal.Judge("n1", Vacant with { State = ServiceState.Paused, Paused = true, Damped = true }), StringComparison.Ordinal);
    }

    [Fact]
    public void A_vacant_service_and_one_of_this_node_are_waited_for()
    {
        Assert.Null(HoldRefusal.Judge("n1", Vacant));
        Assert.Null(HoldRefusal.Judge("n1", Vacant with { Owner = "n1", Paused = true }));
        Assert.Null(HoldRefusal.Judge("n1", null));
    }
}
