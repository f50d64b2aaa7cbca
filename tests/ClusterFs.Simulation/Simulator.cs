using ClusterFs.Lease.Ownership;

namespace ClusterFs.Simulation;

/// <summary>What one seed came to.</summary>
/// <param name="Violation">Null when every invariant held.</param>
public sealed record SimulationResult(
    ulong Seed, long Steps, TimeSpan Simulated, int Grants, int Moves, long Starts, string? Violation, IReadOnlyList<string> Trace);

/// <summary>One seed, one run: a storm of faults, then calm, at whose end the service must run.</summary>
public static class Simulator
{
    public static SimulationResult Run(SimulationSettings settings, bool trace = false)
    {
        var world = new World(settings, trace);
        string? violation = null;
        try
        {
            var nemesis = new Nemesis(world);
            nemesis.Begin();
            world.Schedule.RunUntil(settings.Storm);
            nemesis.End();
            world.Schedule.RunUntil(settings.Storm + settings.Calm);
            if (world.Writers.Running is null)
            {
                throw new ViolationException($"nothing fails for {settings.Calm.TotalSeconds:F0} s, and nobody runs the service");
            }
        }
        catch (ViolationException exception)
        {
            world.Trace.Write("VIOLATED", exception.Message);
            violation = exception.Message;
        }

        var grants = world.Journal.Events.OfType<OwnershipGranted>().ToList();
        return new SimulationResult(
            settings.Seed, world.Schedule.Steps, world.Now, grants.Count, grants.Count(grant => grant.Cause == GrantCause.Move),
            world.Writers.Starts, violation, world.Trace.Lines);
    }
}
