namespace ClusterFs.Faults.Checking;

internal static class Durations
{
    /// <summary>The middle one; of an even number the mean of the two in the middle.</summary>
    /// <exception cref="InvalidOperationException">There are none.</exception>
    public static TimeSpan Median(IReadOnlyList<TimeSpan> durations)
    {
        if (durations.Count == 0)
        {
            throw new InvalidOperationException("nothing has no median");
        }

        var ordered = durations.Order().ToList();
        return (ordered[(ordered.Count - 1) / 2] + ordered[ordered.Count / 2]) / 2;
    }
}
