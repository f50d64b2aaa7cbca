namespace ClusterFs.Archive.Capture;

/// <summary>
/// A service that stands still. It is let go exactly once: by <see cref="End"/>, when this is disposed, when the process ends in order, or when
/// the limit is over, whatever the reader hangs on; after a crash, by the mark that lies beside the live content.
/// </summary>
internal sealed class Quiescence : IDisposable
{
    private const int Still = 0;
    private const int Ended = 1;
    private const int Expired = 2;

    private readonly Action _resume;
    private readonly TimeSpan _limit;
    private Timer? _timer;
    private int _state;

    /// <param name="resume">Lets the service go; throws nothing.</param>
    public Quiescence(Action resume, TimeSpan limit)
    {
        _resume = resume;
        _limit = limit;
        AppDomain.CurrentDomain.ProcessExit += OnExit;
    }

    /// <summary>The service stands still from here on, and for no longer than the limit.</summary>
    public void Begin() => _timer = new Timer(_ => Resume(Expired), null, _limit, Timeout.InfiniteTimeSpan);

    /// <exception cref="LocalContentException">The limit is over, and what was read is of no moment.</exception>
    public void RequireStill()
    {
        if (Volatile.Read(ref _state) == Expired)
        {
            throw new LocalContentException(
                $"The service stood still for {_limit.TotalSeconds:0.###} s and was let go before its files were read, so nothing was dumped. "
                + "Is shared storage slow? Raise quiesce-limit if it may stand still for longer.");
        }
    }

    /// <summary>Lets the service go.</summary>
    /// <exception cref="LocalContentException">It was let go before, because the limit was over.</exception>
    public void End()
    {
        Resume(Ended);
        RequireStill();
    }

    public void Dispose() => Resume(Ended);

    private void OnExit(object? sender, EventArgs arguments) => Resume(Ended);

    private void Resume(int state)
    {
        if (Interlocked.CompareExchange(ref _state, state, Still) == Still)
        {
            _resume();
            _timer?.Dispose();
            AppDomain.CurrentDomain.ProcessExit -= OnExit;
        }
    }
}
