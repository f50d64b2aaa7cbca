namespace ClusterFs.Lease.Ownership;

/// <summary>
/// How often the nodes say of a service that nothing has changed. A change is said at once, at any pace; so the pace decides only how soon a
/// message that was lost is repeated, and how soon a daemon that is gone is taken for gone.
/// </summary>
/// <param name="Every">From one report to the next; at least 1 s.</param>
public sealed record ReportPace(TimeSpan Every)
{
    private static readonly TimeSpan Shortest = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan ForEachService = TimeSpan.FromMilliseconds(10);

    public static ReportPace Fastest { get; } = new(Shortest);

    /// <summary>A node that was not heard of for so long is not granted anything.</summary>
    public TimeSpan Freshness => Every * 3;

    /// <summary>What many services cost is bounded: up to 100 are reported on every second, 1,000 every 10 s.</summary>
    /// <param name="services">Of the whole cluster, so that all nodes agree.</param>
    public static ReportPace Of(int services) => services * ForEachService > Shortest ? new ReportPace(services * ForEachService) : Fastest;
}
