namespace ClusterFs.Simulation.Tests;

public sealed class MutantTests
{
    /// <summary>More than it takes, so that a change of the simulated world does not make a test fail that only has to look further.</summary>
    private const int Seeds = 3_000;

    public static TheoryData<string> Names => [.. MutantList.All.Select(mutant => mutant.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_deliberate_bug_is_caught(string name)
    {
        var mutant = MutantList.All.Single(candidate => candidate.Name == name);
        Assert.NotNull(MutantHunt.Catch(mutant, 1, Seeds, CancellationToken.None));
    }

    [Fact]
    public void A_failing_run_is_made_smaller_and_still_fails_in_the_same_way()
    {
        var mutant = MutantList.All.Single(candidate => candidate.Name == "guard paused");
        var failing = MutantHunt.Catch(mutant, 1, Seeds, CancellationToken.None);
        Assert.NotNull(failing);
        var shrunk = Shrinker.Shrink(failing, 400, CancellationToken.None);
        Assert.True(shrunk.Scenario.Faults.Length < failing.Scenario.Faults.Length);
        Assert.Equal(Shrinker.KindOf(failing.Violation!), Shrinker.KindOf(shrunk.Violation!));
        Assert.Contains(shrunk.Trace, line => line.Contains("VIOLATED", StringComparison.Ordinal));
    }
}
