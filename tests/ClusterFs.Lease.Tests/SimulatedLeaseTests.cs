using ClusterFs.Simulation;

namespace ClusterFs.Lease.Tests;

/// <summary>The machines together, over a faulty network, with crashes, pauses, lost disks and several ownership incarnations.</summary>
public sealed class SimulatedLeaseTests
{
    [Theory]
    [InlineData(3, 1_000)]
    [InlineData(5, 300)]
    public void There_is_never_a_second_writer_and_in_calm_always_one(int nodes, int seeds)
    {
        var violations = new List<string>();
        Parallel.For(1, seeds + 1, seed =>
        {
            var result = Simulator.Run(new SimulationSettings((ulong)seed, nodes));
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

    [Fact]
    public void One_seed_is_one_run()
    {
        var settings = new SimulationSettings(42);
        Assert.Equal(Simulator.Run(settings, trace: true).Trace, Simulator.Run(settings, trace: true).Trace);
    }
}
