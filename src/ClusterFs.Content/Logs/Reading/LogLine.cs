namespace ClusterFs.Content.Logs.Reading;

/// <summary>One line as it is passed on.</summary>
/// <param name="bytes">With what ends it, where anything does.</param>
/// <param name="ticks">Its own stamp, or that of the last line before that has one; <see cref="LogStream.NoStamp"/> for none.</param>
/// <param name="isStamped">Whether the stamp is its own.</param>
/// <param name="isBeginning">False for a piece of a line that was passed on in part before.</param>
internal readonly ref struct LogLine(ReadOnlySpan<byte> bytes, long ticks, bool isStamped, bool isBeginning)
{
    public ReadOnlySpan<byte> Bytes { get; } = bytes;

    public long Ticks { get; } = ticks;

    public bool IsStamped { get; } = isStamped;

    public bool IsBeginning { get; } = isBeginning;
}

/// <summary>What is done with lines. Not safe for several threads.</summary>
internal interface ILineSink
{
    void Write(LogStream stream, in LogLine line);
}
