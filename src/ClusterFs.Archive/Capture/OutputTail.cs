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

    /// <summary>Reads to the end, which is when nobody has the other side open any more.</summary>
    public async Task ReadAsync(StreamReader from)
    {
        var buffer = new char[1024];
        int read;
        while ((read = await from.ReadAsync(buffer).ConfigureAwait(false)) > 0)
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
}
