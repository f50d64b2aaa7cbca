namespace ClusterFs.Lease.Ownership;

/// <summary>
/// How often a node says of a service that nothing has changed. A change is said at once, and what is under way is said every second, at any
/// pace; so the pace decides only how old what people are shown may be.
/// </summary>
/// <param name="Every">From one report to the next; at least 1 s.</param>
public sealed record ReportPace(TimeSpan Every)
{
    private const int InTime = 3;

    private static readonly TimeSpan ForEachOfFew = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan ForEachOfMany = TimeSpan.FromMilliseconds(60);

    /// <summary>Not longer: an ownership of the version before counts what it hears of few services for three seconds.</summary>
    private static readonly TimeSpan LongestOfFew = TimeSpan.FromSeconds(2);

    /// <summary>While anything is under way.</summary>
    public static ReportPace Fastest { get; } = new(TimeSpan.FromSeconds(1));

    /// <summary>So long a report counts by itself.</summary>
    public static TimeSpan CountsAlone => Fastest.Every * InTime;

    /// <summary>So long a report counts while the cluster reaches the node that made it.</summary>
    public TimeSpan Counts => Every * InTime;

    /// <summary>What services cost is bounded: up to five are reported on every second, ten every two, 1,000 every minute.</summary>
    /// <param name="services">Of the whole cluster, so that all nodes agree.</param>
    public static ReportPace Of(int services)
    {
        var few = services * ForEachOfFew < LongestOfFew ? services * ForEachOfFew : LongestOfFew;
        var many = services * ForEachOfMany;
        var every = few > many ? few : many;
        return every > Fastest.Every ? new ReportPace(every) : Fastest;
    }
}
