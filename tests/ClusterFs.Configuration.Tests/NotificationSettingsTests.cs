using System.Collections.Immutable;

namespace ClusterFs.Configuration.Tests;

public sealed class NotificationSettingsTests
{
    [Theory]
    [InlineData(null, 5, 300)]
    [InlineData(null, 600, 1800)]
    [InlineData(60, 5, 60)]
    public void What_is_overdue_goes_by_how_often_is_dumped_where_nobody_says(int? written, int dumpEvery, int overdueAfter)
    {
        var settings = new NotificationSettings(
            "mail", ImmutableSortedSet<string>.Empty, TimeSpan.FromSeconds(30), TimeSpan.FromMinutes(1), written is { } seconds ? TimeSpan.FromSeconds(seconds) : null);

        Assert.Equal(TimeSpan.FromSeconds(overdueAfter), settings.OverdueAfterFor(TimeSpan.FromSeconds(dumpEvery)));
    }
}
