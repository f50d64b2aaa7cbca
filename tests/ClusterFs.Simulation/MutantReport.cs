using System.Globalization;

namespace ClusterFs.Simulation;

/// <summary>Shows of each deliberate bug which seed catches it, and by which invariant.</summary>
internal static class MutantReport
{
    private const int DefaultSeeds = 20_000;
    private const int HarmlessSeeds = 400;

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
            foreach (var part in mutant.Harmless)
            {
                var wrong = MutantHunt.Catch(mutant with { Bugs = part }, options.From, HarmlessSeeds, interrupted);
                if (!interrupted.IsCancellationRequested)
                {
                    Console.WriteLine(string.Create(
                        CultureInfo.InvariantCulture,
                        $"  without its companions, {part}: {(wrong is null ? $"nothing in {HarmlessSeeds} seeds, as it should be" : $"seed {wrong.Scenario.Seed}, {wrong.Violation}")}"));
                }

                survivors += wrong is null ? 0 : 1;
            }

            survivors += result is null ? 1 : 0;
            caught += result is null ? 0 : 1;
            if (options.Only is not null && result is not null)
            {
                TraceReport.Print(result, interrupted);
            }
        }

        Console.WriteLine($"{caught} caught, {survivors} survived, or were caught without what makes them dangerous");
        return survivors == 0 ? 0 : 1;
    }
}
