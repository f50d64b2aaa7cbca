namespace ClusterFs.Simulation;

/// <summary>Makes a failing scenario smaller: faults that it fails without are left out, the others shortened.</summary>
public static class Shrinker
{
    /// <param name="runs">How many runs it may take.</param>
    public static SimulationResult Shrink(SimulationResult failing, int runs, CancellationToken cancellation)
    {
        var left = runs;
        var smallest = failing;
        var chunk = Math.Max(1, failing.Scenario.Faults.Length / 2);
        while (chunk >= 1)
        {
            var dropped = false;
            for (var at = 0; at < smallest.Scenario.Faults.Length && left > 0 && !cancellation.IsCancellationRequested;)
            {
                var faults = smallest.Scenario.Faults;
                var fewer = faults.RemoveRange(at, Math.Min(chunk, faults.Length - at));
                if (Try(smallest.Scenario with { Faults = fewer }) is { } better)
                {
                    smallest = better;
                    dropped = true;
                }
                else
                {
                    at += chunk;
                }
            }

            chunk = chunk == 1 && dropped ? 1 : chunk / 2;
        }

        for (var at = 0; at < smallest.Scenario.Faults.Length && left > 0; at++)
        {
            var fault = smallest.Scenario.Faults[at];
            while (fault.Lasts > TimeSpan.FromMilliseconds(100) && left > 0 && !cancellation.IsCancellationRequested)
            {
                fault = fault with { Lasts = fault.Lasts / 2 };
                if (Try(smallest.Scenario with { Faults = smallest.Scenario.Faults.SetItem(at, fault) }) is not { } better)
                {
                    break;
                }

                smallest = better;
            }
        }

        return Simulator.Run(smallest.Scenario, trace: true);

        SimulationResult? Try(Scenario scenario)
        {
            left--;
            var result = Simulator.Run(scenario);
            return result.Violation is { } violation && KindOf(violation) == KindOf(failing.Violation!) ? result : null;
        }
    }

    /// <summary>Which invariant it was.</summary>
    public static string KindOf(string violation) => violation.Split(':')[0];
}
