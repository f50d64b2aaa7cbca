using System.Globalization;
using System.Net;
using ClusterFs.Node.Page;

namespace ClusterFs.Node.Tests.Page;

public sealed class WrongTokensTests
{
    private static readonly IPAddress Here = IPAddress.Parse("10.0.0.9");
    private readonly SetTime _time = new();
    private readonly WrongTokens _wrong;

    public WrongTokensTests() => _wrong = new WrongTokens(_time);

    [Fact]
    public void After_ten_different_ones_an_address_is_kept_out_until_a_minute_after_the_first()
    {
        Try(Here, 9);
        _time.Seconds = 20;
        Assert.Null(_wrong.KeptOutFor(Here));
        _wrong.Note(Here, "another");
        Assert.Equal(TimeSpan.FromSeconds(40), _wrong.KeptOutFor(Here));
        Assert.Equal(TimeSpan.FromSeconds(40), _wrong.KeptOutFor(Here.MapToIPv6()));
        Assert.Null(_wrong.KeptOutFor(IPAddress.Parse("10.0.0.8")));
        _time.Seconds = 60;
        Assert.Null(_wrong.KeptOutFor(Here));
        Try(Here, 9);
        Assert.Null(_wrong.KeptOutFor(Here));
    }

    [Fact]
    public void A_page_that_goes_on_asking_with_a_token_that_was_changed_tries_nothing()
    {
        for (var i = 0; i < 100; i++)
        {
            _wrong.Note(Here, "old");
        }

        Assert.Null(_wrong.KeptOutFor(Here));
    }

    [Fact]
    public void Of_ipv6_the_whole_network_counts()
    {
        for (var i = 0; i < WrongTokens.MostTries; i++)
        {
            _wrong.Note(IPAddress.Parse(string.Create(CultureInfo.InvariantCulture, $"2001:db8:0:1::{i:x}")), $"{i}");
        }

        Assert.NotNull(_wrong.KeptOutFor(IPAddress.Parse("2001:db8:0:1:ffff::1")));
        Assert.Null(_wrong.KeptOutFor(IPAddress.Parse("2001:db8:0:2::1")));
    }

    [Fact]
    public void However_many_addresses_try_no_more_is_remembered_than_there_is_room_for()
    {
        Try(Here, WrongTokens.MostTries);
        for (var i = 0; i < WrongTokens.MostAddresses - 1; i++)
        {
            Try(new IPAddress(0x0a010000 + i), 1);
        }

        Assert.NotNull(_wrong.KeptOutFor(Here));
        Assert.Equal(WrongTokens.MostAddresses, _wrong.Addresses);
        for (var i = 0; i < WrongTokens.MostAddresses * 3; i++)
        {
            Try(new IPAddress(0x0b010000 + i), 1);
        }

        Assert.Equal(WrongTokens.MostAddresses, _wrong.Addresses);
        Assert.Null(_wrong.KeptOutFor(Here));
        _time.Seconds = 61;
        Assert.Null(_wrong.KeptOutFor(Here));
        Assert.Equal(0, _wrong.Addresses);
    }

    private void Try(IPAddress from, int often)
    {
        for (var i = 0; i < often; i++)
        {
            _wrong.Note(from, $"{i}");
        }
    }

    private sealed class SetTime : TimeProvider
    {
        public double Seconds { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => TimeSpan.FromSeconds(Seconds).Ticks;
    }
}
