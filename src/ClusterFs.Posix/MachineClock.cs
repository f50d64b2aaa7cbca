namespace ClusterFs.Posix;

/// <summary>The machine's two clocks that nobody sets. Both are the same for every process of the machine.</summary>
public static class MachineClock
{
    /// <summary>CLOCK_BOOTTIME: goes on while the machine is suspended; its rate is slewed by NTP.</summary>
    public static TimeSpan Boottime => Read(Libc.ClockBoottime);

    /// <summary>CLOCK_MONOTONIC_RAW: nobody slews it; stands still while the machine is suspended.</summary>
    public static TimeSpan MonotonicRaw => Read(Libc.ClockMonotonicRaw);

    /// <summary>The kernel's name for this boot of the machine.</summary>
    public static string BootId { get; } = File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim();

    private static TimeSpan Read(int clock)
    {
        if (Libc.ClockGetTime(clock, out var time) != 0)
        {
            throw PosixException.Last("clock_gettime", $"{clock}");
        }

        return new TimeSpan((time.Seconds * TimeSpan.TicksPerSecond) + (time.Nanoseconds / TimeSpan.NanosecondsPerTick));
    }
}
