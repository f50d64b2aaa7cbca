namespace ClusterFs.Simulation;

/// <summary>What one scenario came to.</summary>
/// <param name="Hash">Of everything that happened and when.</param>
/// <param name="Violation">Null when every invariant held.</param>
public sealed record SimulationResult(
    Scenario Scenario, long Steps, TimeSpan Simulated, int Grants, int Handovers, int Moves, long Starts, long Dumps, ulong Hash, string? Violation,
    IReadOnlyList<string> Trace);

/// <summary>One scenario, one run.</summary>
public static class Simulator
{
    public static SimulationResult Run(ulong seed) => Run(ScenarioDraw.Draw(seed));

    public static SimulationResult Run(Scenario scenario, bool trace = false)
    {
        var world = new World(scenario, trace);
        string? violation = null;
        try
        {
            var nemesis = new Nemesis(world);
            foreach (var phase in scenario.Phases)
            {
                Run(world, nemesis, phase);
            }
        }
        catch (ViolationException exception)
        {
            world.Trace.Write("VIOLATED", exception.Message);
            violation = exception.Message;
        }

        var ledger = world.Ledger;
        return new SimulationResult(
            scenario, world.Schedule.Steps, world.Now, ledger.Grants, ledger.Handovers, ledger.Moves, ledger.Starts, world.Shared.Dumps,
            world.Schedule.Hash, violation, world.Trace.Lines);
    }

    private static void Run(World world, Nemesis nemesis, Phase phase)
    {
        world.Calm = false;
        world.Ledger.HealthyDespite = null;
        world.Schedule.RunUntil(phase.StormEnds);
        nemesis.Heal();
        world.Calm = true;
        world.Schedule.RunUntil(phase.OwnedBy);
        if (world.Ledger.Running is null)
        {
            world.Ledger.Violated($"nobody runs the service: nothing fails for {(phase.OwnedBy - phase.StormEnds).TotalSeconds:F0} s");
        }

        world.Ledger.HealthyDespite = "nothing failed";
        world.Schedule.RunUntil(phase.Ends);
        nemesis.Heal();
    }
}
