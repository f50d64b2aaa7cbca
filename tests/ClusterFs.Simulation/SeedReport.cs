using System.Diagnostics;
using System.Globalization;

namespace ClusterFs.Simulation;

/// <summary>Runs seeds on all cores and says what they came to, violations in the order of the seeds.</summary>
internal static class SeedReport
{
    private const int DefaultSeeds = 2000;

    public static int Run(Options options, CancellationToken interrupted)
    {
        var totals = new Totals();
        var watch = Stopwatch.StartNew();
        var seeds = options.Seeds ?? DefaultSeeds;
        using (var progress = new Progress(() => totals.Line(watch.Elapsed)))
        {
            _ = Parallel.For(0, seeds, new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount }, index =>
            {
                if (!interrupted.IsCancellationRequested)
                {
                    totals.Add(Simulator.Run(ScenarioDraw.Draw(options.From + (ulong)index, options.Profile)));
                }
            });
        }

        foreach (var failed in totals.Failed.OrderBy(failed => failed.Scenario.Seed))
        {
            Console.WriteLine($"seed {failed.Scenario.Seed} ({failed.Scenario.Profile}, {failed.Scenario.Nodes} nodes): {failed.Violation}");
        }

        Console.WriteLine(totals.Line(watch.Elapsed));
        if (totals.Failed.MinBy(failed => failed.Scenario.Seed) is not { } first)
        {
            return 0;
        }

        Console.WriteLine();
        TraceReport.Print(first, interrupted);
        return 1;
    }

    private sealed class Totals
    {
        private readonly Lock _gate = new();
        private long _seeds;
        private long _steps;
        private long _grants;
        private long _handovers;
        private long _moves;
        private long _dumps;
        private ulong _hash;
        private TimeSpan _simulated;

        public List<SimulationResult> Failed { get; } = [];

        public void Add(SimulationResult result)
        {
            lock (_gate)
            {
                _seeds++;
                _steps += result.Steps;
                _grants += result.Grants;
                _handovers += result.Handovers;
                _moves += result.Moves;
                _dumps += result.Dumps;
                _simulated += result.Simulated;

                // Commutes, so that it does not tell which core was first.
                _hash += result.Hash * ((result.Scenario.Seed * 2) + 1);
                if (result.Violation is not null)
                {
                    Failed.Add(result);
                }
            }
        }

        public string Line(TimeSpan elapsed)
        {
            lock (_gate)
            {
                return string.Create(
                    CultureInfo.InvariantCulture,
                    $"{_seeds} seeds, {_steps} steps, {_simulated.TotalHours:F1} simulated hours, {_grants} grants, {_handovers} handovers ({_moves} planned), "
                    + $"{_dumps} dumps, {Failed.Count} violations, in {elapsed.TotalSeconds:F0} s; hash {_hash:x16}");
            }
        }
    }
}

/// <summary>A line that is written over and over, on a terminal alone.</summary>
internal sealed class Progress : IDisposable
{
    private readonly Timer? _timer;

    public Progress(Func<string> line)
    {
        if (!Console.IsErrorRedirected)
        {
            _timer = new Timer(_ => Console.Error.Write($"\r{line()}  "), null, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1));
        }
    }

    public void Dispose()
    {
        if (_timer is not null)
        {
            _timer.Dispose();
            Console.Error.WriteLine();
        }
    }
}
