namespace ClusterFs.Lease.Tests;

public sealed class InstantTests
{
    private static readonly Instant BoottimeAhead = new(TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(9));

    [Fact]
    public void A_holder_believes_the_clock_on_which_more_has_passed() =>
        Assert.True(Moments.At(9.5).MayHaveComeBy(BoottimeAhead));

    [Fact]
    public void A_voter_believes_the_clock_on_which_less_has_passed() =>
        Assert.False(Moments.At(9.5).HasComeBy(BoottimeAhead));

    [Fact]
    public void Each_side_measures_an_interval_by_its_own_clock()
    {
        Assert.Equal(TimeSpan.FromSeconds(2), BoottimeAhead.LongestSince(Moments.At(8)));
        Assert.Equal(TimeSpan.FromSeconds(1), BoottimeAhead.ShortestSince(Moments.At(8)));
    }

    [Theory]
    [InlineData(500)]
    [InlineData(5_000)]
    [InlineData(3_600_000)]
    public void The_slowest_holder_is_done_before_the_fastest_voter_forgets(int milliseconds)
    {
        var ttl = TimeSpan.FromMilliseconds(milliseconds);
        var holderEnds = (ttl - LeaseTimings.MarginOf(ttl)) / (1 - LeaseTimings.RateError);
        var promiseEnds = ttl / (1 + LeaseTimings.RateError);
        Assert.True(holderEnds <= promiseEnds + TimeSpan.FromTicks(2));
    }
}
