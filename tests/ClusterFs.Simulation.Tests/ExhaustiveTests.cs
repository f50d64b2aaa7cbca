namespace ClusterFs.Simulation.Tests;

/// <summary>A world so small that every order of events in it can be tried.</summary>
public sealed class ExhaustiveTests
{
    [Fact]
    public void No_state_of_the_small_world_has_two_leases()
    {
        var result = Search(Bugs.None);
        Assert.Null(result.Violation);
        Assert.True(result.Whole, $"stopped after {result.States} states");
        Assert.True(result.States >= 100_000, $"{result.States} states");
    }

    [Fact]
    public void A_voter_that_waits_for_nothing_after_a_restart_is_found_out() => Assert.NotNull(Search(Bugs.Of(Bug.ZeroAmnesia)).Violation);

    private static ExhaustiveResult Search(Bugs bugs) => ExhaustiveSearch.Run(seconds: 4, restarts: 1, copies: 0, most: 1_000_000, bugs, CancellationToken.None);
}
