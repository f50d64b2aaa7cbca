using ClusterFs.Simulation;

if (args is not [var first, var count] || !ulong.TryParse(first, out var from) || !ulong.TryParse(count, out var seeds))
{
    Console.Error.WriteLine("usage: ClusterFs.Simulation FROM SEEDS");
    return 2;
}

long steps = 0, grants = 0, moves = 0, starts = 0, violations = 0;
var simulated = TimeSpan.Zero;
for (var seed = from; seed < from + seeds; seed++)
{
    var settings = new SimulationSettings(seed, seed % 4 == 3 ? 5 : 3);
    var result = Simulator.Run(settings);
    steps += result.Steps;
    grants += result.Grants;
    moves += result.Moves;
    starts += result.Starts;
    simulated += result.Simulated;
    if (result.Violation is not null)
    {
        violations++;
        Console.WriteLine($"seed {seed}: {result.Violation}");
        if (violations == 1)
        {
            foreach (var line in Simulator.Run(settings, trace: true).Trace.TakeLast(60))
            {
                Console.WriteLine(line);
            }
        }
    }
}

Console.WriteLine(
    $"{seeds} seeds, {steps} steps, {simulated.TotalHours:F1} simulated hours, {grants} grants, {moves} moves, {starts} starts, {violations} violations");
return violations == 0 ? 0 : 1;
