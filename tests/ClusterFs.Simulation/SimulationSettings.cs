using ClusterFs.Lease;

namespace ClusterFs.Simulation;

/// <summary>One simulated cluster's shape and weather.</summary>
/// <param name="Seed">Everything random comes from it.</param>
/// <param name="Nodes">Each a voter and a node that may own the one service.</param>
/// <param name="Storm">How long faults are injected.</param>
/// <param name="Calm">How long nothing fails afterwards; at its end the service must run.</param>
public sealed record SimulationSettings(ulong Seed, int Nodes = 3)
{
    public LeaseTimings Timings { get; init; } = new(TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(1.5));

    public TimeSpan Storm { get; init; } = TimeSpan.FromMinutes(3);

    public TimeSpan Calm { get; init; } = TimeSpan.FromSeconds(40);

    /// <summary>The chance that a fault strikes in any one second of the storm.</summary>
    public double FaultsPerSecond { get; init; } = 0.35;
}
