using CsCheck;

namespace ClusterFs.Configuration.Tests;

public sealed class SizesTests
{
    [Theory]
    [InlineData("512B", 512)]
    [InlineData("1.5 KiB", 1536)]
    [InlineData("2GiB", 2L << 30)]
    [InlineData("1PiB", 1L << 50)]
    public void A_number_and_a_unit_are_a_size(string text, long bytes)
    {
        Assert.True(Sizes.TryParse(text, out var size));
        Assert.Equal(bytes, size);
    }

    [Theory]
    [InlineData("")]
    [InlineData("5")]
    [InlineData("2G")]
    [InlineData("2GB")]
    [InlineData("-2GiB")]
    [InlineData("99999999999PiB")]
    public void Anything_else_is_none(string text) => Assert.False(Sizes.TryParse(text, out _));

    [Fact]
    public void What_is_shown_can_be_read_again() => Gen.Long[0, 1L << 60].Sample(bytes => Sizes.TryParse(Sizes.Show(bytes), out var read) && read == bytes);
}
