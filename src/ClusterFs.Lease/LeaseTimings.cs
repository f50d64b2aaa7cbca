namespace ClusterFs.Lease;

/// <summary>The times of one service's lease. All are derived from the TTL, so that holders and fencers cannot disagree on them.</summary>
/// <param name="Ttl">How long a voter's promise runs. 500 ms to 1 h.</param>
/// <param name="StopBudget">The time the executioner has from the first signal to the death of the last process; under half the TTL.</param>
public sealed record LeaseTimings(TimeSpan Ttl, TimeSpan StopBudget)
{
    /// <summary>The largest error of a machine's clock rate that is allowed for: 1 %.</summary>
    public const double RateError = 0.01;

    /// <summary>What a holder's deadline lies before its voters' promises: 2r/(1+r) of the TTL (R10).</summary>
    public TimeSpan Margin => MarginOf(Ttl);

    /// <summary>The time from one renewal round to the next.</summary>
    public TimeSpan RenewEvery => Ttl / 4;

    /// <summary>The time from when a round is not likely to reach a majority to the next: a guard that is started again comes back in less.</summary>
    public TimeSpan RetryAfter => Ttl / 20;

    /// <summary>Answers older than this prove no expiry (R13).</summary>
    public TimeSpan ProbeFreshness => Ttl / 4;

    public static TimeSpan MarginOf(TimeSpan ttl) => ttl * (2 * RateError / (1 + RateError));
}
