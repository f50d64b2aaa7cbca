using System.Globalization;

namespace ClusterFs.Simulation;

/// <summary>Shows of each deliberate bug which seed catches it, and by which invariant.</summary>
internal static class MutantReport
{
    private const int DefaultSeeds = 20_000;

    public static int Run(Options options, CancellationToken interrupted)
    {
        var survivors = 0;
        var caught = 0;
        var mutants = MutantList.All.Where(mutant => options.Only is not { } only || mutant.Name.StartsWith(only, StringComparison.OrdinalIgnoreCase)).ToList();
        if (mutants.Count == 0)
        {
            Console.Error.WriteLine($"no mutant is called '{options.Only}'");
            return 2;
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{"deliberate bug",-44} {"seed",6}  violated"));
        foreach (var mutant in mutants)
        {
            if (interrupted.IsCancellationRequested)
            {
                break;
            }

            var result = MutantHunt.Catch(mutant, options.From, options.Seeds ?? DefaultSeeds, interrupted);
            if (interrupted.IsCancellationRequested)
            {
                break;
            }

            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{mutant.Name,-44} {result?.Scenario.Seed.ToString(CultureInfo.InvariantCulture) ?? "-",6}  {result?.Violation ?? "SURVIVED"}"));
            survivors += result is null ? 1 : 0;
            caught += result is null ? 0 : 1;
            if (options.Only is not null && result is not null)
            {
                TraceReport.Print(result, interrupted);
            }
        }

        Console.WriteLine($"{caught} caught, {survivors} survived");
        return survivors == 0 ? 0 : 1;
    }
}
