using System.Globalization;
using ClusterFs.Posix;

namespace ClusterFs.Faults.Rig;

/// <summary>What a process has used, as the kernel counts it.</summary>
/// <param name="At">On the boot-time clock.</param>
/// <param name="Processor">Of all its threads, in user and system mode, since its start.</param>
/// <param name="Resident">Bytes of memory that are its own or shared with others.</param>
/// <param name="Proportional">The same with what is shared divided among those who share it.</param>
internal sealed record ProcessCost(TimeSpan At, TimeSpan Processor, long Resident, long Proportional)
{
    /// <summary>The kernel's unit for <c>/proc/PID/stat</c>, the same on every machine that runs Linux today.</summary>
    private const double TicksPerSecond = 100;

    /// <exception cref="IOException">There is no such process.</exception>
    public static ProcessCost Of(int process)
    {
        var stat = File.ReadAllText($"/proc/{process}/stat");

        // The name stands in brackets and may hold anything; the third field follows it.
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        var ticks = long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture);
        var memory = File.ReadLines($"/proc/{process}/smaps_rollup").ToList();
        return new ProcessCost(
            MachineClock.Boottime, TimeSpan.FromSeconds(ticks / TicksPerSecond), Bytes(memory, "Rss:"), Bytes(memory, "Pss:"));
    }

    /// <summary>The share of one core that was used between two looks, in percent.</summary>
    public double PercentSince(ProcessCost earlier) => (Processor - earlier.Processor) / (At - earlier.At) * 100;

    private static long Bytes(IEnumerable<string> lines, string name) =>
        long.Parse(
            lines.First(line => line.StartsWith(name, StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1],
            CultureInfo.InvariantCulture) * 1024;
}
