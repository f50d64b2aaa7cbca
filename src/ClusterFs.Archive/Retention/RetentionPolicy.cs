namespace ClusterFs.Archive.Retention;

/// <summary>
/// Which dumps stay: the newest so many, and for each of the newest so many hours (days, …) that have any, the last dump of it. Hours and days are
/// those of UTC. What none of the rules keeps may be pruned; with all of them 0, nothing ever is.
/// </summary>
/// <param name="Weekly">Weeks as ISO 8601 numbers them.</param>
public sealed record RetentionPolicy(int Last, int Hourly, int Daily, int Weekly, int Monthly, int Yearly)
{
    /// <summary>Whether any rule keeps anything; a policy that keeps nothing is taken for none at all.</summary>
    public bool Keeps => (Last | Hourly | Daily | Weekly | Monthly | Yearly) > 0;
}
