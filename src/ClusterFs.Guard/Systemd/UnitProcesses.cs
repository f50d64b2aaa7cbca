using ClusterFs.Guard.Execution;

namespace ClusterFs.Guard.Systemd;

/// <summary>What runs in a unit, found in the way in which the guard finds what it has to kill.</summary>
public static class UnitProcesses
{
    /// <exception cref="IOException">The hierarchy of control groups changed while it was searched, or cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read.</exception>
    public static bool Any(string unit) => In(unit).Count > 0;

    /// <exception cref="IOException">The hierarchy of control groups changed while it was searched, or cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read.</exception>
    public static bool Include(string unit, int process) => In(unit).Contains(process);

    private static HashSet<int> In(string unit)
    {
        var found = new HashSet<int>();
        ControlGroup.OfUnit(unit)?.AddProcesses(found);
        return found;
    }
}
