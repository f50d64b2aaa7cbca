using System.Threading.Channels;

namespace ClusterFs.Guard;

/// <summary>
/// Tells any number of listeners which services changed since they last looked. Levels, not edges: many changes of a service may be one
/// signal. What a change costs does not grow with the number of services. Thread-safe.
/// </summary>
internal sealed class ChangeSignal(IReadOnlyCollection<string> services)
{
    private readonly Lock _lock = new();
    private readonly List<Listener> _toAll = [];
    private readonly Dictionary<string, List<Listener>> _toOne = new(StringComparer.Ordinal);
    private TaskCompletionSource? _silent;

    public void Raise(string service)
    {
        lock (_lock)
        {
            foreach (var listener in _toAll)
            {
                listener.Note(service);
            }

            foreach (var listener in _toOne.GetValueOrDefault(service) ?? [])
            {
                listener.Note(service);
            }
        }
    }

    /// <summary>Nothing changes any more: each listener is told of what it has not heard yet, and then that this was all.</summary>
    /// <returns>When nobody listens any more.</returns>
    public Task EndAsync()
    {
        lock (_lock)
        {
            _silent ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            foreach (var listener in _toAll.Concat(_toOne.Values.SelectMany(listeners => listeners)))
            {
                listener.End();
            }

            SayIfSilent();
            return _silent.Task;
        }
    }

    /// <summary>To changes of every service, each of which has changed at once.</summary>
    public Listener Listen() => Add(_toAll, null, services);

    /// <summary>To changes of one service, which has changed at once.</summary>
    public Listener Listen(string service)
    {
        lock (_lock)
        {
            if (!_toOne.TryGetValue(service, out var listeners))
            {
                _toOne[service] = listeners = [];
            }

            return Add(listeners, service, [service]);
        }
    }

    private Listener Add(List<Listener> listeners, string? service, IEnumerable<string> changed)
    {
        var listener = new Listener(this, service, changed);
        lock (_lock)
        {
            listeners.Add(listener);
            if (_silent is not null)
            {
                listener.End();
            }
        }

        return listener;
    }

    private void Remove(Listener listener, string? service)
    {
        lock (_lock)
        {
            if (service is null)
            {
                _ = _toAll.Remove(listener);
            }
            else if (_toOne.TryGetValue(service, out var listeners) && listeners.Remove(listener) && listeners.Count == 0)
            {
                _ = _toOne.Remove(service);
            }

            SayIfSilent();
        }
    }

    private void SayIfSilent()
    {
        if (_toAll.Count == 0 && _toOne.Count == 0)
        {
            _ = _silent?.TrySetResult();
        }
    }

    /// <summary>For one reader.</summary>
    internal sealed class Listener : IDisposable
    {
        private readonly Channel<bool> _channel =
            Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

        private readonly Lock _lock = new();
        private readonly ChangeSignal _signal;
        private readonly string? _service;
        private HashSet<string> _changed;

        public Listener(ChangeSignal signal, string? service, IEnumerable<string> changed)
        {
            _signal = signal;
            _service = service;
            _changed = new HashSet<string>(changed, StringComparer.Ordinal);
            _ = _channel.Writer.TryWrite(true);
        }

        /// <returns>The services that changed since the last call.</returns>
        /// <exception cref="OperationCanceledException">Nobody listens any more, or all that there was has been told.</exception>
        public async Task<IReadOnlyCollection<string>> WaitAsync(CancellationToken cancellation)
        {
            if (!await _channel.Reader.WaitToReadAsync(cancellation).ConfigureAwait(false))
            {
                throw new OperationCanceledException("nothing changes any more");
            }

            _ = _channel.Reader.TryRead(out _);
            lock (_lock)
            {
                var changed = _changed;
                _changed = new HashSet<string>(StringComparer.Ordinal);
                return changed;
            }
        }

        public void Note(string service)
        {
            lock (_lock)
            {
                _ = _changed.Add(service);
            }

            _ = _channel.Writer.TryWrite(true);
        }

        public void End() => _ = _channel.Writer.TryComplete();

        public void Dispose() => _signal.Remove(this, _service);
    }
}
