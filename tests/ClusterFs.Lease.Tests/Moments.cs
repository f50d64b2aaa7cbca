namespace ClusterFs.Lease.Tests;

/// <summary>Moments of a machine whose two clocks agree.</summary>
internal static class Moments
{
    public static LeaseTimings Timings { get; } = new(TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(1.5));

    public static Instant At(double seconds) => new(TimeSpan.FromSeconds(seconds), TimeSpan.FromSeconds(seconds));
}
