using System.Globalization;
using ClusterFs.Lease;
using ClusterFs.Posix;

namespace ClusterFs.Cli.Doctor;

/// <summary>How the machine's two clocks ran beside one another.</summary>
/// <param name="Error">By how much of a second a second of the boot clock was longer than one that nobody slews; 0.01 is 1 %.</param>
/// <param name="Uncertainty">Of <paramref name="Error"/>.</param>
/// <param name="Source">What the kernel counts by.</param>
internal sealed record ClockSeen(double Error, double Uncertainty, string Source);

/// <summary>Whether the clocks run as evenly as leases need (R10).</summary>
internal static class ClockCheck
{
    private const string Name = "clock rate";
    private const string SourceFile = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
    private const int Tries = 100;

    private static readonly TimeSpan Span = TimeSpan.FromSeconds(1);

    /// <summary>What NTP slews by at most is a twentieth of a percent.</summary>
    private const double Usual = 0.001;

    public static Check Create() => new(Name, "a machine that does not come back from a second's sleep is overloaded, or stands still", "look at its load", () => Judge(Look()));

    public static IEnumerable<Finding> Judge(ClockSeen seen)
    {
        var error = string.Create(CultureInfo.InvariantCulture, $"{Math.Abs(seen.Error) * 100:0.####} %");
        var measured = $"over a second the boot clock ran {error} {(seen.Error < 0 ? "slower" : "faster")} than the one that nobody sets, by {seen.Source}";
        var allowed = $"leases allow for {LeaseTimings.RateError * 100:0.#} %";
        const string Remedy = "check the clock source and the time service (chronyc tracking); a virtual machine may need its host's clock (kvm-clock, tsc)";
        yield return Math.Abs(seen.Error) - seen.Uncertainty > LeaseTimings.RateError
            ? Finding.Failure(Name, measured, $"{allowed}: with such a clock two nodes could run a service at once", Remedy)
            : Math.Abs(seen.Error) - seen.Uncertainty > Usual
                ? Finding.Warning(Name, measured, $"{allowed}; ordinary clocks are far better", Remedy)
                : Finding.Ok(Name, measured, allowed);
        if (seen.Source is "jiffies" or "refined-jiffies")
        {
            yield return Finding.Warning(
                Name, $"the kernel counts by {seen.Source}", "its clock loses time when interrupts are late, which no comparison of its own clocks shows",
                "use another clock source, see /sys/devices/system/clocksource/clocksource0/available_clocksource");
        }
    }

    private static ClockSeen Look()
    {
        var (firstBoot, firstRaw, firstGap) = Read();
        using (var never = new ManualResetEventSlim())
        {
            never.Wait(Span);
        }

        var (secondBoot, secondRaw, secondGap) = Read();
        var raw = (secondRaw - firstRaw).TotalSeconds;
        return new ClockSeen(
            ((secondBoot - firstBoot).TotalSeconds / raw) - 1,
            (firstGap + secondGap).TotalSeconds / raw,
            File.Exists(SourceFile) ? File.ReadAllText(SourceFile).Trim() : "unknown");
    }

    /// <summary>Both at one moment, as nearly as can be had: another process may run between the two readings.</summary>
    private static (TimeSpan Boot, TimeSpan Raw, TimeSpan Gap) Read()
    {
        var best = (Boot: TimeSpan.Zero, Raw: TimeSpan.Zero, Gap: TimeSpan.MaxValue);
        for (var i = 0; i < Tries; i++)
        {
            var before = MachineClock.MonotonicRaw;
            var boot = MachineClock.Boottime;
            var gap = MachineClock.MonotonicRaw - before;
            if (gap < best.Gap)
            {
                best = (boot, before + (gap / 2), gap);
            }
        }

        return best;
    }
}
