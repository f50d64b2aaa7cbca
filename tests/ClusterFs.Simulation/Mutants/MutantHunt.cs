namespace ClusterFs.Simulation;

/// <summary>Looks for the first seed that catches a mutant.</summary>
public static class MutantHunt
{
    /// <returns>The run with the lowest seed that violated an invariant; null when none of the seeds did.</returns>
    public static SimulationResult? Catch(Mutant mutant, ulong from, int seeds, CancellationToken cancellation)
    {
        SimulationResult? caught = null;
        var gate = new Lock();
        _ = Parallel.For(0, seeds, new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount }, (index, loop) =>
        {
            if (cancellation.IsCancellationRequested || loop.LowestBreakIteration <= index)
            {
                return;
            }

            var result = Simulator.Run(mutant.Draw(from + (ulong)index));
            if (result.Violation is null)
            {
                return;
            }

            loop.Break();
            lock (gate)
            {
                caught = caught is null || result.Scenario.Seed < caught.Scenario.Seed ? result : caught;
            }
        });
        return caught;
    }
}
