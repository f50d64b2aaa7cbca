using ClusterFs.Lease;

namespace ClusterFs.Simulation;

/// <summary>A machine: two clocks, each with a rate error of its own within what the margin allows for, and a boot.</summary>
public sealed class Host(string name, SeededRandom random, Schedule schedule)
{
    private readonly double _boottimeRate = Rate(random);
    private readonly double _monotonicRate = Rate(random);
    private readonly TimeSpan _offset = random.Between(TimeSpan.Zero, TimeSpan.FromDays(1));

    public string Name { get; } = name;

    public string BootId { get; } = random.NextGuid().ToString();

    public Instant Now => new(_offset + (schedule.Now * _boottimeRate), _offset + (schedule.Now * _monotonicRate));

    /// <summary>The true time at which both clocks have come to a moment: a timer never fires early.</summary>
    public TimeSpan TrueTimeOf(Instant instant)
    {
        var boottime = (instant.Boottime - _offset) / _boottimeRate;
        var monotonic = (instant.MonotonicRaw - _offset) / _monotonicRate;
        return boottime > monotonic ? boottime : monotonic;
    }

    /// <summary>The true time at which the first of the clocks comes to a moment: when whoever must not be late acts.</summary>
    public TimeSpan FirstTrueTimeOf(Instant instant)
    {
        var boottime = (instant.Boottime - _offset) / _boottimeRate;
        var monotonic = (instant.MonotonicRaw - _offset) / _monotonicRate;
        return boottime < monotonic ? boottime : monotonic;
    }

    private static double Rate(SeededRandom random) => random.Below(3) switch
    {
        0 => 1 - LeaseTimings.RateError,
        1 => 1 + LeaseTimings.RateError,
        _ => 1 + ((random.Fraction() - 0.5) * 2 * LeaseTimings.RateError),
    };
}
