namespace ClusterFs.Simulation;

/// <summary>Tells one run from beginning to end, or, if it fails, the shortest that fails in the same way.</summary>
internal static class TraceReport
{
    private const int ShrinkRuns = 400;
    private const int LongestTrace = 400;

    public static int Run(Options options, CancellationToken interrupted)
    {
        var result = Simulator.Run(ScenarioDraw.Draw(options.From, options.Profile), trace: true);
        if (result.Violation is not null)
        {
            Print(result, interrupted);
            return 1;
        }

        Console.WriteLine(result.Scenario);
        foreach (var line in result.Trace)
        {
            Console.WriteLine(line);
        }

        Console.WriteLine($"hash {result.Hash:x16}");
        return 0;
    }

    /// <summary>A failing run, made smaller first.</summary>
    public static void Print(SimulationResult failing, CancellationToken interrupted)
    {
        var shrunk = Shrinker.Shrink(failing, ShrinkRuns, interrupted);
        Console.WriteLine($"{shrunk.Scenario}, of {failing.Scenario.Faults.Length} drawn:");
        foreach (var fault in shrunk.Scenario.Faults)
        {
            Console.WriteLine($"  {fault}");
        }

        var skipped = shrunk.Trace.Count - LongestTrace;
        if (skipped > 0)
        {
            Console.WriteLine($"  ({skipped} lines before)");
        }

        foreach (var line in shrunk.Trace.TakeLast(LongestTrace))
        {
            Console.WriteLine(line);
        }
    }
}
