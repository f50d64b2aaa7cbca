using ClusterFs.Faults.Checking;
using ClusterFs.Faults.Workload;

namespace ClusterFs.Faults.Scenarios;

/// <summary>Figures with what is allowed, one line each.</summary>
internal static class Figures
{
    /// <returns>Whether it is allowed.</returns>
    public static bool Within(Progress progress, string what, TimeSpan seen, TimeSpan allowed)
    {
        var holds = seen <= allowed;
        progress.Say(FormattableString.Invariant(
            $"{Mark(holds)} {what}: {seen.TotalSeconds:0.00} s, allowed {allowed.TotalSeconds:0.00} s"));
        return holds;
    }

    /// <inheritdoc cref="Within"/>
    public static bool Within(Progress progress, string what, double seen, double allowed, string unit)
    {
        var holds = seen <= allowed;
        progress.Say(FormattableString.Invariant($"{Mark(holds)} {what}: {seen:0.0} {unit}, allowed {allowed:0.0} {unit}"));
        return holds;
    }

    /// <summary>No two processes of the workload were alive at once.</summary>
    public static bool NoOverlap(Progress progress, IReadOnlyList<WriterLife> lives)
    {
        var violations = WriterRules.Overlaps(lives).ToList();
        progress.Say($"{Mark(violations.Count == 0)} {lives.Count} processes wrote, {violations.Count} times two at once");
        violations.ForEach(violation => progress.Say($"  {violation}"));
        return violations.Count == 0;
    }

    private static string Mark(bool holds) => holds ? "ok  " : "FAIL";
}
