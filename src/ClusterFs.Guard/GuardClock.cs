using ClusterFs.Lease;
using ClusterFs.Posix;

namespace ClusterFs.Guard;

/// <summary>The machine's clocks as an <see cref="Instant"/>. The same for every process of the machine.</summary>
public static class GuardClock
{
    public static Instant Now => new(MachineClock.Boottime, MachineClock.MonotonicRaw);
}
