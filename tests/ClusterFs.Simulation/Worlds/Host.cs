using ClusterFs.Lease;

namespace ClusterFs.Simulation;

/// <summary>A machine: two clocks, each with a rate error of its own within what the margin allows for, and a boot.</summary>
public sealed class Host(string name, SeededRandom random, Schedule schedule)
{
    private readonly List<Alarm> _alarms = [];
    private TimeSpan _since;
    private Instant _base = new(random.Between(TimeSpan.Zero, TimeSpan.FromDays(1)), random.Between(TimeSpan.Zero, TimeSpan.FromDays(1)));
    private double _boottimeRate = 1;
    private double _monotonicRate = 1;

    public string Name => name;

    public Schedule Schedule => schedule;

    public string BootId { get; private set; } = random.NextGuid().ToString();

    /// <summary>The clocks stand still: only a machine that is stopped whole does that, which the protocol does not withstand.</summary>
    public bool ClocksStopped { get; private set; }

    public Instant Now => ClocksStopped ? _base : new(
        _base.Boottime + ((schedule.Now - _since) * _boottimeRate), _base.MonotonicRaw + ((schedule.Now - _since) * _monotonicRate));

    public void SetRates(double boottime, double monotonic)
    {
        Rebase(Now);
        _boottimeRate = boottime;
        _monotonicRate = monotonic;
        Rearm();
    }

    public void StopClocks()
    {
        Rebase(Now);
        ClocksStopped = true;
    }

    public void ContinueClocks()
    {
        Rebase(_base);
        ClocksStopped = false;
        Rearm();
    }

    /// <summary>The clocks begin anew. Nothing of the boot before may still run.</summary>
    public void Reboot()
    {
        Rebase(new Instant(TimeSpan.FromSeconds(3), TimeSpan.FromSeconds(3)));
        ClocksStopped = false;
        BootId = random.NextGuid().ToString();
        _alarms.Clear();
    }

    /// <summary>The true time at which the first of the clocks comes to a moment: when whoever must not be late acts.</summary>
    public TimeSpan FirstTrueTimeOf(Instant instant)
    {
        var (boottime, monotonic) = TrueTimesOf(instant);
        return boottime < monotonic ? boottime : monotonic;
    }

    /// <summary>The true time at which both clocks have come to a moment: when whoever must not be early acts.</summary>
    public TimeSpan LastTrueTimeOf(Instant instant)
    {
        var (boottime, monotonic) = TrueTimesOf(instant);
        return boottime > monotonic ? boottime : monotonic;
    }

    internal void Add(Alarm alarm) => _alarms.Add(alarm);

    internal void Remove(Alarm alarm) => _alarms.Remove(alarm);

    private (TimeSpan Boottime, TimeSpan Monotonic) TrueTimesOf(Instant instant) => (
        _since + ((instant.Boottime - _base.Boottime) / _boottimeRate), _since + ((instant.MonotonicRaw - _base.MonotonicRaw) / _monotonicRate));

    private void Rebase(Instant now)
    {
        _base = now;
        _since = schedule.Now;
    }

    private void Rearm()
    {
        foreach (var alarm in _alarms)
        {
            alarm.Arm();
        }
    }
}

/// <summary>Wakes a process of a host at a moment of the host's own clocks, whatever becomes of their rates meanwhile.</summary>
/// <param name="early">At the first of the two clocks; else at the second.</param>
public sealed class Alarm
{
    private static readonly TimeSpan Tick = new(1);

    private readonly Host _host;
    private readonly bool _early;
    private readonly Action _ring;
    private Instant _due;
    private bool _set;
    private long _version;

    public Alarm(Host host, bool early, Action ring)
    {
        _host = host;
        _early = early;
        _ring = ring;
        host.Add(this);
    }

    public void Set(Instant due)
    {
        if (_set && due == _due)
        {
            return;
        }

        _due = due;
        _set = true;
        Arm();
    }

    public void Clear()
    {
        _set = false;
        _version++;
    }

    /// <summary>For good.</summary>
    public void Remove()
    {
        Clear();
        _host.Remove(this);
    }

    internal void Arm()
    {
        if (!_set || _host.ClocksStopped)
        {
            return;
        }

        var version = ++_version;
        _host.Schedule.At((_early ? _host.FirstTrueTimeOf(_due) : _host.LastTrueTimeOf(_due)) + Tick, () => Ring(version));
    }

    private void Ring(long version)
    {
        if (version != _version)
        {
            return;
        }

        if (_host.ClocksStopped || !(_early ? _due.MayHaveComeBy(_host.Now) : _due.HasComeBy(_host.Now)))
        {
            Arm();
            return;
        }

        Clear();
        _ring();
    }
}
