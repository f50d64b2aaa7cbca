using ClusterFs.Guard.Protocol;
using ClusterFs.Guard.Supervision;
using ClusterFs.Lease;

namespace ClusterFs.Guard.Tests.Supervision;

public sealed class TellingPaceTests
{
    private static readonly Instant Start = new(TimeSpan.FromHours(1), TimeSpan.FromHours(1));
    private static readonly TellingPace OfMany = TellingPace.Of(1000);

    [Fact]
    public void With_many_services_a_mere_renewal_is_told_now_and_then()
    {
        Assert.False(OfMany.IsToBeTold(Running(14_000), Start, Running(15_000), Start + TimeSpan.FromSeconds(2.4)));
        Assert.True(OfMany.IsToBeTold(Running(14_000), Start, Running(15_000), Start + TimeSpan.FromSeconds(2.5)));
    }

    [Fact]
    public void A_later_end_of_the_lease_is_a_mere_renewal()
    {
        var later = Running(14_000);
        later.ValidUntilBoottime = later.ValidUntilMonotonicRaw = 1;

        Assert.False(OfMany.IsToBeTold(Running(14_000), Start, later, Start + TimeSpan.FromSeconds(2.4)));
        Assert.True(OfMany.IsToBeTold(Running(14_000), Start, later, Start + TimeSpan.FromSeconds(2.5)));
    }

    [Fact]
    public void A_lease_is_never_told_so_late_that_it_passes_for_ended()
    {
        Assert.False(OfMany.IsToBeTold(Running(900), Start, Running(1_000), Start + TimeSpan.FromMilliseconds(400)));
        Assert.True(OfMany.IsToBeTold(Running(900), Start, Running(1_000), Start + TimeSpan.FromMilliseconds(450)));
    }

    [Fact]
    public void What_is_decided_by_is_told_at_once()
    {
        var other = Running(15_000);
        other.Phase = Phase.Stopping;

        Assert.True(OfMany.IsToBeTold(Running(14_000), Start, other, Start));
        Assert.True(OfMany.IsToBeTold(Running(14_000), Start, Running(0), Start));
        Assert.True(OfMany.IsToBeTold(Running(0), Start, Running(15_000), Start));
    }

    [Fact]
    public void What_was_told_is_not_told_again() => Assert.False(OfMany.IsToBeTold(Running(14_000), Start, Running(14_000), Start + TimeSpan.FromHours(1)));

    private static ServiceReport Running(long remaining) => new() { Service = "wiki", Phase = Phase.Running, Epoch = 3, LeaseRemainingMs = remaining };
}
