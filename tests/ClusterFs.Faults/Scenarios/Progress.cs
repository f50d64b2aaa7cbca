using System.Diagnostics;

namespace ClusterFs.Faults.Scenarios;

/// <summary>What the reader sees while it runs, and a copy of it for the report. Safe for concurrent callers.</summary>
internal sealed class Progress(TextWriter output)
{
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly Lock _turn = new();
    private readonly List<string> _lines = [];

    public IReadOnlyList<string> Lines
    {
        get
        {
            lock (_turn)
            {
                return [.. _lines];
            }
        }
    }

    public TimeSpan Elapsed => _clock.Elapsed;

    public void Say(string text)
    {
        lock (_turn)
        {
            var line = FormattableString.Invariant($"{_clock.Elapsed.TotalSeconds,7:0.0} s  {text}");
            _lines.Add(line);
            output.WriteLine(line);
        }
    }
}
