using System.Collections.Concurrent;
using ClusterFs.Lease;
using ClusterFs.Lease.Holder;
using Microsoft.Extensions.Logging;

namespace ClusterFs.Guard.Holding;

/// <summary>What the holder's shell hands on. None of them may block, except for <see cref="Persist"/>, which returns when it is durable.</summary>
internal sealed record HolderOutlets(
    Action<DurableHolderState> Persist,
    Action<IReadOnlyList<SendRenew>> Renew,
    Action<IReadOnlyList<SendRelease>> Release,
    Action<StartService> Start,
    Action<StopService> Stop,
    Action<string> Changed);

/// <summary>
/// Runs the holder on one thread that waits for nothing but its own inputs, its own deadlines and, for a grant, its own disk.
/// </summary>
internal sealed class HolderShell : IDisposable
{
    /// <summary>However long nothing is due, the clocks are looked at this often: a machine may have slept.</summary>
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(1);

    private readonly BlockingCollection<HolderInput> _inputs = [];
    private readonly HolderOutlets _outlets;
    private readonly Func<Instant> _now;
    private readonly ILogger _log;
    private readonly Thread _thread;
    private volatile HolderState _state;
    private volatile Turn _turn;

    public HolderShell(HolderState state, HolderOutlets outlets, Func<Instant> now, ILogger log)
    {
        _state = state;
        _turn = new Turn(now());
        _outlets = outlets;
        _now = now;
        _log = log;
        _thread = new Thread(Run) { IsBackground = true, Name = "holder" };
    }

    /// <summary>Hears of each lease that no majority renewed any more. May not block. Set before the start.</summary>
    public Action<string> Lost { get; set; } = _ => { };

    /// <summary>As of the last step; may be read from any thread.</summary>
    public HolderState State => _state;

    /// <summary>When the thread last came round; it does so each second at least. May be read from any thread.</summary>
    public Instant LastTurn => _turn.At;

    public void Start() => _thread.Start();

    public void Post(HolderInput input)
    {
        try
        {
            _inputs.Add(input);
        }
        catch (InvalidOperationException)
        {
            // The guard is ending, and its services are dead.
        }
    }

    public void Dispose()
    {
        _inputs.CompleteAdding();
        if (!_thread.IsAlive || _thread.Join(TimeSpan.FromSeconds(10)))
        {
            _inputs.Dispose();
        }
    }

    private void Run()
    {
        while (!_inputs.IsCompleted)
        {
            HolderInput? input = null;
            _turn = new Turn(_now());
            try
            {
                _ = _inputs.TryTake(out input, Wait());

                // By itself, so that no disk is waited for between a deadline and the order to stop.
                Take(new TimePassed());
                for (var waiting = _inputs.Count; input is not null; waiting--)
                {
                    // Each looks at its own service's deadline first; those of all are looked at again after what is waiting now.
                    Take(input);
                    if (waiting <= 0 || !_inputs.TryTake(out input))
                    {
                        break;
                    }
                }
            }
            catch (IOException e)
            {
                // The state before stands, so the epoch is not used; the grant comes again.
                _log.HolderNotWritten(e.Message, input?.ToString() ?? "");
            }
        }
    }

    private sealed record Turn(Instant At);

    private int Wait()
    {
        if (HolderMachine.NextWake(_state) is not { } wake)
        {
            return (int)LongestWait.TotalMilliseconds;
        }

        var remaining = wake.LeastRemaining(_now());
        return (int)Math.Ceiling(Math.Clamp(remaining.TotalMilliseconds, 0, LongestWait.TotalMilliseconds));
    }

    /// <summary>
    /// What is to be written is written first: a state that could not be is not taken over, and nothing of the step happens. Then the state
    /// is there for others to read before they hear of it.
    /// </summary>
    private void Take(HolderInput input)
    {
        var before = _state;
        var (next, effects) = HolderMachine.Handle(before, input, _now());
        foreach (var persist in effects.OfType<PersistHolder>())
        {
            _outlets.Persist(persist.State);
        }

        _state = next;
        foreach (var effect in effects)
        {
            switch (effect)
            {
                case StartService start:
                    _outlets.Start(start);
                    break;
                case StopService stop:
                    _outlets.Stop(stop);
                    break;
            }
        }

        var renewals = effects.OfType<SendRenew>().ToList();
        if (renewals.Count > 0)
        {
            _outlets.Renew(renewals);
        }

        var releases = effects.OfType<SendRelease>().ToList();
        if (releases.Count > 0)
        {
            _outlets.Release(releases);
        }

        if (!ReferenceEquals(before.Leases, next.Leases))
        {
            Announce(before, next, HolderMachine.SubjectOf(input));
        }
    }

    /// <summary>Rounds come and go; a deadline or a phase is what others want to know.</summary>
    private void Announce(HolderState before, HolderState next, string? subject)
    {
        foreach (var lease in subject is null ? next.Leases.Values : [next.Leases[subject]])
        {
            var old = before.Leases.GetValueOrDefault(lease.Service);
            if (ReferenceEquals(old, lease))
            {
                continue;
            }

            var changed = old?.ValidUntil != lease.ValidUntil || old?.Reason != lease.Reason;
            if (old is null || old.Epoch != lease.Epoch || old.Phase != lease.Phase)
            {
                _log.LeasePhaseChanged(lease.Service, lease.Epoch, lease.Phase, lease.Reason is null ? "" : $": {lease.Reason}");
                changed = true;
                if (lease is { Phase: LeasePhase.Stopping, ValidUntil: not null })
                {
                    Lost(lease.Service);
                }
            }

            if (changed)
            {
                _outlets.Changed(lease.Service);
            }
        }
    }
}
