using ClusterFs.Node.Agents;
using ClusterFs.Node.Foresight;

namespace ClusterFs.Node.Tests.Foresight;

public sealed class SharedLossTests
{
    private static readonly AgentSettings Settings = new("n1", "wiki", TimeSpan.FromSeconds(5));

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_service_that_runs_goes_on_without_shared_storage(bool hangs) =>
        Assert.Null(SharedLoss.OwnerStopsAfter(Settings, hangs, TimeSpan.FromHours(1)));

    [Fact]
    public void A_node_that_is_granted_a_service_waits_for_storage_that_hangs() =>
        Assert.Null(SharedLoss.TakerGivesUpAfter(Settings, hangs: true, TimeSpan.FromHours(1)));

    [Fact]
    public void A_node_that_is_granted_a_service_gives_it_up_when_nothing_can_be_restored() =>
        Assert.InRange(
            SharedLoss.TakerGivesUpAfter(Settings, hangs: false, TimeSpan.FromHours(1))!.Value,
            AgentRules.RetryAfter * (AgentRules.TakeOverAttempts - 1),
            AgentRules.RetryAfter * (AgentRules.TakeOverAttempts + 1));
}
