namespace ClusterFs.Content.Logs.Reading;

/// <summary>Passes on what is not older than a time: stamped lines by their stamps, others as the line before.</summary>
internal sealed class SinceFilter(long ticks, ILineSink next) : ILineSink
{
    public void Write(LogStream stream, in LogLine line)
    {
        if (line.Ticks >= ticks)
        {
            next.Write(stream, line);
        }
    }
}
