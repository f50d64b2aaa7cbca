using CsCheck;

namespace ClusterFs.Configuration.Tests;

public sealed class DurationsTests
{
    [Theory]
    [InlineData("1500ms", 1_500)]
    [InlineData("1.5 s", 1_500)]
    [InlineData("-2m", -120_000)]
    [InlineData("3 hours", 10_800_000)]
    [InlineData("1d", 86_400_000)]
    public void A_number_and_a_unit_are_a_duration(string text, double milliseconds)
    {
        Assert.True(Durations.TryParse(text, out var duration));
        Assert.Equal(milliseconds, duration.TotalMilliseconds);
    }

    [Theory]
    [InlineData("")]
    [InlineData("5")]
    [InlineData("s")]
    [InlineData("5 parsecs")]
    [InlineData("5s5")]
    [InlineData("1e5s")]
    [InlineData("NaNs")]
    [InlineData("99999999999999999999d")]
    public void Anything_else_is_none(string text) => Assert.False(Durations.TryParse(text, out _));

    [Fact]
    public void What_is_shown_can_be_read_again() => Gen.Long[0, 1_000_000_000].Sample(milliseconds =>
    {
        var duration = TimeSpan.FromMilliseconds(milliseconds);
        return Durations.TryParse(Durations.Show(duration), out var read) && read == duration;
    });
}
