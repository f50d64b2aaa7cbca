namespace ClusterFs.Lease;

/// <summary>
/// A moment of one machine, read on its two clocks that nobody sets: CLOCK_BOOTTIME and CLOCK_MONOTONIC_RAW. Whoever must not act too
/// late believes the clock on which more time has passed, whoever must not act too early the one on which less has (R10).
/// Comparable only with moments of the same boot of the same machine.
/// </summary>
public readonly record struct Instant(TimeSpan Boottime, TimeSpan MonotonicRaw)
{
    /// <summary>The longest that the time since <paramref name="earlier"/> may have been: for holders.</summary>
    public TimeSpan LongestSince(Instant earlier) => Max(Boottime - earlier.Boottime, MonotonicRaw - earlier.MonotonicRaw);

    /// <summary>The shortest that the time since <paramref name="earlier"/> may have been: for voters and those who wait for them.</summary>
    public TimeSpan ShortestSince(Instant earlier) => Min(Boottime - earlier.Boottime, MonotonicRaw - earlier.MonotonicRaw);

    /// <summary>Whether this moment may have come by <paramref name="now"/>: for holders, whose right ends here.</summary>
    public bool MayHaveComeBy(Instant now) => now.Boottime >= Boottime || now.MonotonicRaw >= MonotonicRaw;

    /// <summary>Whether this moment has come for certain by <paramref name="now"/>: for voters, whose promise ends here.</summary>
    public bool HasComeBy(Instant now) => now.Boottime >= Boottime && now.MonotonicRaw >= MonotonicRaw;

    /// <summary>The least time until this moment comes on either clock; negative when it may have come.</summary>
    public TimeSpan LeastRemaining(Instant now) => Min(Boottime - now.Boottime, MonotonicRaw - now.MonotonicRaw);

    /// <summary>The most time until this moment has come on both clocks; negative when it has come.</summary>
    public TimeSpan MostRemaining(Instant now) => Max(Boottime - now.Boottime, MonotonicRaw - now.MonotonicRaw);

    public static Instant operator +(Instant instant, TimeSpan span) => new(instant.Boottime + span, instant.MonotonicRaw + span);

    public static Instant operator -(Instant instant, TimeSpan span) => new(instant.Boottime - span, instant.MonotonicRaw - span);

    private static TimeSpan Max(TimeSpan one, TimeSpan other) => one > other ? one : other;

    private static TimeSpan Min(TimeSpan one, TimeSpan other) => one < other ? one : other;
}
