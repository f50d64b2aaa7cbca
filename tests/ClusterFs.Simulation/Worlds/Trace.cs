using System.Globalization;

namespace ClusterFs.Simulation;

/// <summary>What happened, for whoever has to understand a violation. Kept only when asked for.</summary>
public sealed class Trace(Schedule schedule, bool keep)
{
    private readonly List<string> _lines = [];

    /// <summary>Ask before making up a line.</summary>
    public bool IsKept => keep;

    public IReadOnlyList<string> Lines => _lines;

    public void Write(string who, string what)
    {
        if (keep)
        {
            _lines.Add(string.Create(CultureInfo.InvariantCulture, $"{schedule.Now.TotalSeconds,10:F4}  {who,-8} {what}"));
        }
    }
}
