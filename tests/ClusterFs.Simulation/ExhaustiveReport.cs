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
        var result = ExhaustiveSearch.Run(int.Parse(Environment.GetEnvironmentVariable("XS")!), int.Parse(Environment.GetEnvironmentVariable("XR")!), int.Parse(Environment.GetEnvironmentVariable("XC")!), options.States ?? DefaultStates, Environment.GetEnvironmentVariable("XB") == "1" ? Bugs.Of(Bug.ZeroAmnesia) : Environment.GetEnvironmentVariable("XB") == "2" ? Bugs.Of(Bug.FenceIgnoresPromise, Bug.FloorNotChecked) : Environment.GetEnvironmentVariable("XB") == "3" ? Bugs.Of(Bug.FenceIgnoresPromise, Bug.FenceClearsPromise) : Bugs.None, interrupted);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"3 voters, 2 nodes, TTL 2 s, one restart, one copy: {result.States} states, all within {result.Depth} events{(result.Whole ? ", and there are no others" : "")}, "
            + $"{(result.Violation is null ? "0 violations" : result.Violation)}, in {watch.Elapsed.TotalSeconds:F0} s"));
        return result.Violation is null ? 0 : 1;
    }
}
