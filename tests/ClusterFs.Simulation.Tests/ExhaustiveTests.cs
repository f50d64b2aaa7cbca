namespace ClusterFs.Simulation.Tests;

public sealed class ExhaustiveTests
{
    [Fact]
    public void No_state_of_the_small_world_has_two_leases()
    {
        var result = ExhaustiveSearch.Run(seconds: 8, restarts: 1, copies: 1, most: 150_000, Bugs.None, CancellationToken.None);
        Assert.Null(result.Violation);
        Assert.True(result.States >= 100_000, $"{result.States} states");
    }
}
