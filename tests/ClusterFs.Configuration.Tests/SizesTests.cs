using CsCheck;

namespace ClusterFs.Configuration.Tests;

public sealed class SizesTests
{
    [Theory]
    [InlineData("2GiB", 2L << 30)]
    [InlineData("1.5 MiB", 3L << 19)]
    [InlineData("100B", 100)]
    [InlineData("4TiB", 4L << 40)]
    public void A_number_and_a_unit_are_a_size(string text, long bytes)
    {
        Assert.True(Sizes.TryParse(text, out var size));
        Assert.Equal(bytes, size);
    }

    [Theory]
    [InlineData("")]
    [InlineData("5")]
    [InlineData("GiB")]
    [InlineData("5GB")]
    [InlineData("-5GiB")]
    [InlineData("1e5GiB")]
    [InlineData("99999999999TiB")]
    public void Anything_else_is_none(string text) => Assert.False(Sizes.TryParse(text, out _));

    [Fact]
    public void What_is_shown_can_be_read_again() =>
        Gen.Long[0, 1L << 50].Sample(bytes => Sizes.TryParse(Sizes.Show(bytes), out var read) && read == bytes);
}
