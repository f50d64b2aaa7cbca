using ClusterFs.Lease.Ownership;

namespace ClusterFs.Lease.Tests.Ownership;

public sealed class ReportPaceTests
{
    [Theory]
    [InlineData(0, 1)]
    [InlineData(5, 1)]
    [InlineData(8, 1.6)]
    [InlineData(10, 2)]
    [InlineData(33, 2)]
    [InlineData(50, 3)]
    [InlineData(1000, 60)]
    public void The_more_services_the_slower_each_is_reported_on(int services, double seconds) =>
        Assert.Equal(TimeSpan.FromSeconds(seconds), ReportPace.Of(services).Every);

    [Fact]
    public void Two_lost_reports_do_not_make_a_node_silent()
    {
        Assert.Equal(TimeSpan.FromSeconds(3), ReportPace.CountsAlone);
        Assert.Equal(TimeSpan.FromSeconds(180), ReportPace.Of(1000).Counts);
    }
}
