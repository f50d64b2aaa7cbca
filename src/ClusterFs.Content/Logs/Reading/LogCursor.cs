namespace ClusterFs.Content.Logs.Reading;

/// <summary>Goes through the lines of one log, over the limits of its files. Not safe for several threads.</summary>
/// <param name="parts">Oldest first. Their files are not closed.</param>
/// <param name="buffer">To be used by nobody else meanwhile.</param>
/// <param name="damaged">Told of a file that cannot be read to its end; the next one follows.</param>
internal sealed class LogCursor(LogStream stream, IReadOnlyList<LogPart> parts, byte[] buffer, Action<string> damaged) : IDisposable
{
    private LineReader? _lines;
    private int _next;
    private long _ticks = stream.Ticks;
    private bool _isStamped;

    public LogStream Stream => stream;

    /// <summary>The line's place in time: its stamp, or that of the line before.</summary>
    public long Ticks => _ticks;

    public LogLine Line => new(_lines!.Line, _ticks, _isStamped, _lines.IsBeginning);

    /// <returns>False at the end of the last file.</returns>
    public bool TryRead()
    {
        while (true)
        {
            if (_lines is null)
            {
                if (_next == parts.Count)
                {
                    return false;
                }

                var part = parts[_next];
                _lines = new LineReader(part.File, buffer, part.From, part.To, part.IsCompressed);
            }

            if (TryReadLine())
            {
                _isStamped = _lines.IsBeginning && parts[_next].Stamps.TryRead(_lines.Line, out var ticks) && Stamp(ticks);
                return true;
            }

            _lines.Dispose();
            _lines = null;
            _next++;
        }
    }

    public void Dispose() => _lines?.Dispose();

    private bool Stamp(long ticks)
    {
        _ticks = ticks;
        stream.Ticks = ticks;
        return true;
    }

    private bool TryReadLine()
    {
        try
        {
            return _lines!.TryRead();
        }
        catch (Exception problem) when (problem is InvalidDataException or IOException)
        {
            damaged($"{parts[_next].Path} cannot be read any further: {problem.Message}");
            return false;
        }
    }
}
