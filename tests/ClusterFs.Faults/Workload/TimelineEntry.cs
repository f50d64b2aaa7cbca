using System.Globalization;

namespace ClusterFs.Faults.Workload;

/// <summary>
/// What a process of the workload says of itself, on the one boot-time clock of the machine that all nodes are on. The checker may
/// compare these times; the product has no such clock.
/// </summary>
/// <param name="Run">The process.</param>
/// <param name="At">When it was said; the process was alive then.</param>
internal abstract record TimelineEntry(string Run, TimeSpan At)
{
    private const string NoBase = "-";

    /// <summary>The process is alive and has touched nothing yet.</summary>
    /// <param name="Node">Where it runs.</param>
    /// <param name="Epoch">As <c>clusterfs run</c> told it.</param>
    public sealed record Alive(string Run, TimeSpan At, string Node, long Epoch) : TimelineEntry(Run, At);

    /// <summary>It has opened its content.</summary>
    /// <param name="Base">The last record that was there; null for none.</param>
    public sealed record Opened(string Run, TimeSpan At, Record? Base) : TimelineEntry(Run, At);

    /// <summary>It is about to write a record.</summary>
    public sealed record Trying(string Run, TimeSpan At, long Number) : TimelineEntry(Run, At);

    /// <summary>The record is written and synced.</summary>
    public sealed record Acknowledged(string Run, TimeSpan At, long Number) : TimelineEntry(Run, At);

    /// <summary>It was asked to stop and ends now.</summary>
    public sealed record Ended(string Run, TimeSpan At) : TimelineEntry(Run, At);

    public string Format() => this switch
    {
        Alive e => string.Create(CultureInfo.InvariantCulture, $"alive {Run} {At.Ticks} {e.Node} {e.Epoch}"),
        Opened { Base: { } last } => string.Create(CultureInfo.InvariantCulture, $"opened {Run} {At.Ticks} {last.Run} {last.Number}"),
        Opened => string.Create(CultureInfo.InvariantCulture, $"opened {Run} {At.Ticks} {NoBase} 0"),
        Trying e => string.Create(CultureInfo.InvariantCulture, $"trying {Run} {At.Ticks} {e.Number}"),
        Acknowledged e => string.Create(CultureInfo.InvariantCulture, $"acknowledged {Run} {At.Ticks} {e.Number}"),
        Ended => string.Create(CultureInfo.InvariantCulture, $"ended {Run} {At.Ticks}"),
        _ => throw new InvalidOperationException($"{GetType()} has no form"),
    };

    /// <exception cref="FormatException">That is no entry.</exception>
    public static TimelineEntry Parse(string line)
    {
        var words = line.Split(' ');
        var run = words[1];
        var at = new TimeSpan(Parsed(words[2]));
        return words[0] switch
        {
            "alive" => new Alive(run, at, words[3], Parsed(words[4])),
            "opened" => new Opened(run, at, words[3] == NoBase ? null : new Record(words[3], Parsed(words[4]))),
            "trying" => new Trying(run, at, Parsed(words[3])),
            "acknowledged" => new Acknowledged(run, at, Parsed(words[3])),
            "ended" => new Ended(run, at),
            _ => throw new FormatException($"no entry of a timeline: {line}"),
        };
    }

    private static long Parsed(string word) => long.Parse(word, CultureInfo.InvariantCulture);
}
