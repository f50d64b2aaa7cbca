using ClusterFs.Posix;

namespace ClusterFs.Demo.Writing;

/// <summary>
/// A client that writes all the time to whichever node answers, and keeps its own list of what was acknowledged. Safe for concurrent
/// readers.
/// </summary>
public sealed class AcknowledgedWriter : IAsyncDisposable
{
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(20);

    private readonly IReadOnlyList<Uri> _candidates;
    private readonly string _name;
    private readonly GuestbookClient _client = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _turn = new();
    private readonly List<AcknowledgedRow> _acknowledged = [];
    private readonly List<Outage> _outages = [];
    private readonly Task _writing;
    private int _failures;

    /// <param name="name">Goes into every text, so that it is unique among writers.</param>
    /// <param name="candidates">Where the service may be; it starts with the first.</param>
    public AcknowledgedWriter(string name, IReadOnlyList<Uri> candidates)
    {
        _name = name;
        _candidates = candidates;
        _writing = Task.Run(Write);
    }

    /// <summary>All rows that were acknowledged so far, in order.</summary>
    public IReadOnlyList<AcknowledgedRow> Acknowledged
    {
        get
        {
            lock (_turn)
            {
                return [.. _acknowledged];
            }
        }
    }

    /// <summary>All outages so far; the last one may still be going on.</summary>
    public IReadOnlyList<Outage> Outages
    {
        get
        {
            lock (_turn)
            {
                return _failures > 0 && _acknowledged.Count > 0
                    ? [.. _outages, new Outage(_acknowledged[^1].AcknowledgedAt, null, _failures)]
                    : [.. _outages];
            }
        }
    }

    /// <summary>The longest outage that ended after a moment on the boot-time clock, or still goes on; null when there was none.</summary>
    public Outage? LongestOutageSince(TimeSpan moment) =>
        Outages.Where(outage => outage.Until is null || outage.Until >= moment).MaxBy(outage => outage.Duration);

    /// <summary>Waits for a row that is acknowledged after a moment on the boot-time clock.</summary>
    public Task<AcknowledgedRow> UntilAcknowledged(
        TimeSpan after,
        TimeSpan patience,
        Func<string> evidence,
        CancellationToken cancelled = default) =>
        Eventually.Get(
            "the service acknowledges a row",
            patience,
            () =>
            {
                lock (_turn)
                {
                    return Task.FromResult(_acknowledged.Count > 0 && _acknowledged[^1].AcknowledgedAt > after ? _acknowledged[^1] : null);
                }
            },
            evidence,
            cancelled);

    /// <summary>The acknowledged rows that the service does not have now.</summary>
    public async Task<IReadOnlyList<AcknowledgedRow>> MissingAt(Uri service)
    {
        // The list first: a row that is acknowledged in between would seem to be missing otherwise.
        var acknowledged = Acknowledged;
        var present = await _client.ReadAll(service);
        return [.. acknowledged.Where(row => !present.Contains(row.Text))];
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _writing;
        _client.Dispose();
        _stop.Dispose();
    }

    private async Task Write()
    {
        var candidate = 0;
        for (var number = 1L; !_stop.IsCancellationRequested; number++)
        {
            var text = $"{_name} {number}";
            if (await _client.TryAdd(_candidates[candidate], text) is { } id)
            {
                Note(new AcknowledgedRow(number, id, text, MachineClock.Boottime, _candidates[candidate]));
            }
            else
            {
                lock (_turn)
                {
                    _failures++;
                }

                candidate = (candidate + 1) % _candidates.Count;
            }

            await Task.WhenAny(Task.Delay(Pace, _stop.Token));
        }
    }

    private void Note(AcknowledgedRow row)
    {
        lock (_turn)
        {
            if (_failures > 0 && _acknowledged.Count > 0)
            {
                _outages.Add(new Outage(_acknowledged[^1].AcknowledgedAt, row.AcknowledgedAt, _failures));
            }

            _failures = 0;
            _acknowledged.Add(row);
        }
    }
}
