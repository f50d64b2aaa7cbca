using System.Collections.Concurrent;

namespace ClusterFs.Guard.Beside;

/// <summary>
/// Says lines to someone who may have stopped reading: whoever says one never waits. Lines that nobody takes are dropped. May be used from
/// any thread.
/// </summary>
internal sealed class Voice : IDisposable
{
    private const int MostUnheard = 256;
    private static readonly TimeSpan PatienceAtEnd = TimeSpan.FromMilliseconds(200);

    private readonly BlockingCollection<string> _lines = new(MostUnheard);
    private readonly TextWriter _listener;
    private readonly Thread _thread;

    public Voice(TextWriter listener)
    {
        _listener = listener;
        _thread = new Thread(Run) { IsBackground = true, Name = "voice" };
        _thread.Start();
    }

    public void Say(string line) => _ = _lines.TryAdd(line);

    /// <summary>Waits a moment for what is not heard yet.</summary>
    public void Dispose()
    {
        _lines.CompleteAdding();
        if (_thread.Join(PatienceAtEnd))
        {
            _lines.Dispose();
        }
    }

    private void Run()
    {
        try
        {
            foreach (var line in _lines.GetConsumingEnumerable())
            {
                _listener.WriteLine(line);
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            // Nobody listens any more.
        }
    }
}
