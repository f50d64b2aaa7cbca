namespace ClusterFs.Faults.Workload;

/// <summary>One process of the workload, from its first sign of life to its last.</summary>
/// <param name="Run">Its name.</param>
/// <param name="Node">Where it ran.</param>
/// <param name="Epoch">Under which epoch.</param>
/// <param name="Began">Its first sign of life.</param>
/// <param name="LastSeen">Its last one.</param>
/// <param name="Base">The last record that it found; null for none, or if it never opened its content.</param>
/// <param name="Opened">Whether it opened its content.</param>
/// <param name="EndedItself">Whether it was asked to stop and did.</param>
/// <param name="Acknowledged">When each of its records was synced, by number.</param>
internal sealed record WriterLife(
    string Run,
    string Node,
    long Epoch,
    TimeSpan Began,
    TimeSpan LastSeen,
    Record? Base,
    bool Opened,
    bool EndedItself,
    IReadOnlyDictionary<long, TimeSpan> Acknowledged)
{
    public TimeSpan? FirstAcknowledgement => Acknowledged.Count > 0 ? Acknowledged.Values.Min() : null;

    public TimeSpan? LastAcknowledgement => Acknowledged.Count > 0 ? Acknowledged.Values.Max() : null;

    /// <returns>Null while it has not said that it is alive.</returns>
    public static WriterLife? From(IReadOnlyList<TimelineEntry> entries)
    {
        if (entries.OfType<TimelineEntry.Alive>().FirstOrDefault() is not { } alive)
        {
            return null;
        }

        var opened = entries.OfType<TimelineEntry.Opened>().FirstOrDefault();
        return new WriterLife(
            alive.Run,
            alive.Node,
            alive.Epoch,
            alive.At,
            entries.Max(entry => entry.At),
            opened?.Base,
            opened is not null,
            entries.Any(entry => entry is TimelineEntry.Ended),
            entries.OfType<TimelineEntry.Acknowledged>().ToDictionary(entry => entry.Number, entry => entry.At));
    }

    public override string ToString() => $"{Run} on {Node}, epoch {Epoch}, {Began.TotalSeconds:0.000} to {LastSeen.TotalSeconds:0.000}";
}
