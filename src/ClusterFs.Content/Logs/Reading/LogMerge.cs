namespace ClusterFs.Content.Logs.Reading;

/// <summary>
/// Several logs as one, by time stamp. The lines of each stay in their order; a line without a stamp stays with the line before it. Of lines with
/// the same stamp, those of the log that was named first come first.
/// </summary>
internal static class LogMerge
{
    /// <param name="cursors">Before their first lines.</param>
    public static void Run(IReadOnlyList<LogCursor> cursors, ILineSink sink, CancellationToken cancellation)
    {
        var waiting = new PriorityQueue<int, Place>();
        for (var i = 0; i < cursors.Count; i++)
        {
            if (cursors[i].TryRead())
            {
                waiting.Enqueue(i, new Place(cursors[i].Ticks, i));
            }
        }

        while (waiting.TryDequeue(out var first, out _))
        {
            var cursor = cursors[first];
            var next = waiting.TryPeek(out _, out var place) ? place : Place.Last;
            var more = true;
            while (more && new Place(cursor.Ticks, first).CompareTo(next) < 0)
            {
                cancellation.ThrowIfCancellationRequested();
                sink.Write(cursor.Stream, cursor.Line);
                more = cursor.TryRead();
            }

            if (more)
            {
                waiting.Enqueue(first, new Place(cursor.Ticks, first));
            }
        }
    }

    private readonly record struct Place(long Ticks, int Index) : IComparable<Place>
    {
        public static Place Last { get; } = new(long.MaxValue, int.MaxValue);

        public int CompareTo(Place other) => Ticks != other.Ticks ? Ticks.CompareTo(other.Ticks) : Index.CompareTo(other.Index);
    }
}
