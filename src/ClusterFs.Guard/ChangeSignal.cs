using System.Threading.Channels;

namespace ClusterFs.Guard;

/// <summary>Tells any number of listeners that something changed since they last looked. Levels, not edges: many changes may be one signal.</summary>
internal sealed class ChangeSignal
{
    private readonly Lock _lock = new();
    private readonly List<Channel<bool>> _listeners = [];

    public void Raise()
    {
        lock (_lock)
        {
            foreach (var listener in _listeners)
            {
                _ = listener.Writer.TryWrite(true);
            }
        }
    }

    /// <summary>The first signal is there at once.</summary>
    public Listener Listen()
    {
        var channel = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
        _ = channel.Writer.TryWrite(true);
        lock (_lock)
        {
            _listeners.Add(channel);
        }

        return new Listener(this, channel);
    }

    internal sealed class Listener(ChangeSignal signal, Channel<bool> channel) : IDisposable
    {
        /// <exception cref="OperationCanceledException">Nobody listens any more.</exception>
        public async Task WaitAsync(CancellationToken cancellation) =>
            _ = await channel.Reader.ReadAsync(cancellation).ConfigureAwait(false);

        public void Dispose()
        {
            lock (signal._lock)
            {
                _ = signal._listeners.Remove(channel);
            }
        }
    }
}
