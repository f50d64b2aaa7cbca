using System.Text;

namespace ClusterFs.Archive.Capture;

/// <summary>The end of what a command printed, whatever it printed on. Safe for use by several threads.</summary>
internal sealed class OutputTail
{
    private const int Longest = 600;

    private readonly Lock _lock = new();
    private readonly StringBuilder _text = new();

    /// <summary>On one line; empty when nothing was printed.</summary>
    public string Words
    {
        get
        {
            lock (_lock)
            {
                return string.Join("; ", _text.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
            }
        }
    }

    /// <summary>
    /// Reads to the end, which is when nobody has the other side open any more, on a thread of its own: what a hook says when it fails must not depend on
    /// whether the pool has one to spare.
    /// </summary>
    public Thread Begin(StreamReader from)
    {
        var reading = new Thread(() => Read(from)) { IsBackground = true, Name = "output of a command" };
        reading.Start();
        return reading;
    }

    private void Read(StreamReader from)
    {
        var buffer = new char[1024];
        try
        {
            int read;
            while ((read = from.Read(buffer)) > 0)
            {
                lock (_lock)
                {
                    _text.Append(buffer, 0, read);
                    if (_text.Length > Longest)
                    {
                        _text.Remove(0, _text.Length - Longest);
                    }
                }
            }
        }
        catch (Exception problem) when (problem is IOException or ObjectDisposedException)
        {
            // What was read until then has to do.
        }
    }
}
