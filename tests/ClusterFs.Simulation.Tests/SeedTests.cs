namespace ClusterFs.Simulation.Tests;

/// <summary>The machines together, in a world where everything fails.</summary>
public sealed class SeedTests
{
    [Fact]
    public void What_must_always_hold_holds_in_every_seed()
    {
        var violations = new List<string>();
        Parallel.For(1, 2_001, seed =>
        {
            var result = Simulator.Run((ulong)seed);
            if (result.Violation is { } violation)
            {
                lock (violations)
                {
                    violations.Add($"seed {seed}: {violation}");
                }
            }
        });
        Assert.Empty(violations);
    }

    [Theory]
    [InlineData(42)]
    [InlineData(77)]
    [InlineData(1348)]
    public void One_seed_is_one_run(ulong seed)
    {
        var once = Simulator.Run(seed);
        var again = Simulator.Run(ScenarioDraw.Draw(seed), trace: true);
        Assert.Equal(once.Hash, again.Hash);
        Assert.Equal(once.Steps, again.Steps);
        Assert.NotEqual(once.Hash, Simulator.Run(seed + 1).Hash);
        Assert.Equal(again.Trace, Simulator.Run(ScenarioDraw.Draw(seed), trace: true).Trace);
    }

    [Fact]
    public void Every_profile_has_grants_handovers_and_dumps()
    {
        foreach (var profile in Enum.GetValues<Profile>())
        {
            var results = Enumerable.Range(1, 30).Select(seed => Simulator.Run(ScenarioDraw.Draw((ulong)seed, profile))).ToList();
            Assert.True(results.Sum(result => result.Grants) > 30, $"{profile}: {results.Sum(result => result.Grants)} grants");
            Assert.True(results.Sum(result => result.Dumps) > 100, $"{profile}: {results.Sum(result => result.Dumps)} dumps");
            Assert.True(results.Sum(result => result.Handovers) > 5, $"{profile}: {results.Sum(result => result.Handovers)} handovers");
        }
    }
}
