using System.Diagnostics;
using System.Globalization;

namespace ClusterFs.Simulation;

/// <summary>Says how much of the small world was visited, and what was found.</summary>
internal static class ExhaustiveReport
{
    private const long DefaultStates = 1_000_000;

    public static int Run(Options options, CancellationToken interrupted)
    {
        var watch = Stopwatch.StartNew();
        var result = ExhaustiveSearch.Run(seconds: 4, restarts: 1, copies: 0, options.States ?? DefaultStates, Bugs.None, interrupted);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"3 voters, 2 nodes, TTL 2 s, 4 s, one restart: {result.States} states, all within {result.Depth} events{(result.Whole ? ", and there are no others" : "")}, "
            + $"{(result.Violation is null ? "0 violations" : result.Violation)}, in {watch.Elapsed.TotalSeconds:F0} s"));
        return result.Violation is null ? 0 : 1;
    }
}
