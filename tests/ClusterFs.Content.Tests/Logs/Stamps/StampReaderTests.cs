using System.Globalization;
using System.Text;
using ClusterFs.Configuration;
using ClusterFs.Content.Logs.Stamps;
using CsCheck;

namespace ClusterFs.Content.Tests.Logs.Stamps;

public sealed class StampReaderTests
{
    private static readonly TimeZoneInfo TwoHoursEast = TimeZoneInfo.CreateCustomTimeZone("east", TimeSpan.FromHours(2), "east", "east");
    private static readonly DateTimeOffset Written = new(2026, 1, 2, 12, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData("2026-01-02T03:04:05Z start", "2026-01-02T03:04:05Z")]
    [InlineData("2026-01-02T03:04:05.678901234+01:30 x", "2026-01-02T01:34:05.6789012Z")]
    [InlineData("2026-01-02 03:04:05,250 INFO x", "2026-01-02T01:04:05.25Z")]
    [InlineData("2026-01-02 03:04:05.5 UTC [17] LOG: x", "2026-01-02T03:04:05.5Z")]
    [InlineData("2026-01-02 03:04:05 -0500 x", "2026-01-02T08:04:05Z")]
    [InlineData("[2026-01-02T03:04:05-05] x", "2026-01-02T08:04:05Z")]
    [InlineData("2026/01/02 03:04:05 [error] 7#7: *1 open() failed", "2026-01-02T01:04:05Z")]
    [InlineData("2025-12-31T23:59:60Z a leap second", "2025-12-31T23:59:59Z")]
    [InlineData("2026-01-03T11:59:59Z a clock that is ahead", "2026-01-03T11:59:59Z")]
    [InlineData("2026-01-03T12:00:01Z too far ahead", null)]
    [InlineData("9999-12-31T23:59:59-23:00 out of all time", null)]
    [InlineData("0001-01-01T00:00:00+23:00 before all time", null)]
    [InlineData("192.0.2.1 - x [01/Jan/1970:00:00:00 +0000] [02/Jan/2026:03:04:05 +0000] \"GET /[02/Jan/2026:04:04:05 +0000]\" 200 1", "2026-01-02T03:04:05Z")]
    [InlineData("<34>1 2026-01-02T03:04:05.003Z host app - - x", "2026-01-02T03:04:05.003Z")]
    [InlineData("<13>Jan  2 03:04:05 host app: x", "2026-01-02T01:04:05Z")]
    [InlineData("Jan 02 03:04:05 host app[1]: x", "2026-01-02T01:04:05Z")]
    [InlineData("Dec 31 03:04:05 host app: of the year before", "2025-12-31T01:04:05Z")]
    [InlineData("Jan  3 03:04:05 host app: a clock that is ahead", "2026-01-03T01:04:05Z")]
    [InlineData("Jan  5 03:04:05 host app: too far ahead", "2025-01-05T01:04:05Z")]
    [InlineData("Feb 29 03:04:05 host app: in a leap year", "2024-02-29T01:04:05Z")]
    [InlineData("192.0.2.1 - - [02/Jan/2026:03:04:05 +0100] \"GET / HTTP/1.1\" 200 1", "2026-01-02T02:04:05Z")]
    [InlineData("host.example:80 ::1 - [odd] [02/Jan/2026:03:04:05 -0000] \"GET /\" 200 1", "2026-01-02T03:04:05Z")]
    [InlineData("", null)]
    [InlineData("  at Some.Method(2026-01-02T03:04:05Z)", null)]
    [InlineData("2026-02-30T03:04:05Z no such day", null)]
    [InlineData("2026-01-02T24:04:05Z no such hour", null)]
    [InlineData("2026-01-02", null)]
    [InlineData("2026-01/02 03:04:05 mixed", null)]
    [InlineData("Foo  2 03:04:05 host", null)]
    [InlineData("192.0.2.1 - - [02/Jan/2026:03:04:05] no offset", null)]
    public void Reads_the_stamp_of_a_line(string line, string? expected) => Assert.Equal(expected, Read(line, null));

    [Theory]
    [InlineData("%d.%m.%Y %H:%M:%S", "02.01.2026 03:04:05 x", "2026-01-02T01:04:05Z")]
    [InlineData("%d.%m.%Y %H:%M:%S", "x 02.01.2026 03:04:05", null)]
    [InlineData("*%d.%m.%Y %H:%M:%S.%f %z", "x 1 02.01.2026 03:04:05.75 +0300", "2026-01-02T00:04:05.75Z")]
    [InlineData("*\"time\":%s.%f", "{\"level\":1,\"time\":1767323045.5}", "2026-01-02T03:04:05.5Z")]
    [InlineData("[%e %b %H:%M]", "[2 Jan 03:04] x", "2026-01-02T01:04:00Z")]
    [InlineData("%H:%M%% %m-%d", "03:04% 01-02", "2026-01-02T01:04:00Z")]
    [InlineData("%d.%m.%Y %H:%M:%S", "2026-01-02T03:04:05Z is of the usual kind", null)]
    public void Reads_the_stamps_of_a_pattern_and_no_others(string pattern, string line, string? expected) =>
        Assert.Equal(expected, Read(line, StampPattern.Parse(pattern)));

    [Theory]
    [InlineData("%d.%m.%Y", "it says no time")]
    [InlineData("%H:%M", "it says no time")]
    [InlineData("%s %", "it ends in the middle of a conversion")]
    [InlineData("%s %q", "there is no conversion %q")]
    [InlineData("%s %s", "%s is there twice")]
    public void Says_what_is_wrong_with_a_pattern(string pattern, string problem)
    {
        Assert.Equal(problem, TimePatterns.ProblemOf(pattern));
        Assert.StartsWith(problem, Assert.Throws<ArgumentException>(() => StampPattern.Parse(pattern)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_zone_that_changes_its_offset_is_asked_again()
    {
        var paris = TimeZoneInfo.CreateCustomTimeZone(
            "p", TimeSpan.FromHours(1), "p", "p", "ps",
            [TimeZoneInfo.AdjustmentRule.CreateAdjustmentRule(
                DateTime.MinValue.Date, DateTime.MaxValue.Date, TimeSpan.FromHours(1),
                TimeZoneInfo.TransitionTime.CreateFixedDateRule(new DateTime(1, 1, 1, 2, 0, 0), 3, 29),
                TimeZoneInfo.TransitionTime.CreateFixedDateRule(new DateTime(1, 1, 1, 3, 0, 0), 10, 25))]);
        var reader = new StampReader(null, paris, Written.AddYears(1));
        Assert.True(reader.TryRead("2026-03-29 01:59:59 x"u8, out var before));
        Assert.True(reader.TryRead("2026-03-29 03:00:00 x"u8, out var after));
        Assert.Equal(TimeSpan.FromSeconds(1).Ticks, after - before);
    }

    /// <summary>Whatever a line holds, reading its stamp neither fails nor reads beyond it.</summary>
    [Fact]
    public void Any_bytes_are_a_line()
    {
        string[] likely = ["2026-01-02T03:04:05", "<34>1 ", "Jan  2 03:04:05", "[02/Jan/2026:03:04:05 +0100]", "[", " ", "+01", ".5", "Z", "Feb 29 ", "%"];
        var line = Gen.OneOf(Gen.Int[0, likely.Length - 1].Select(i => Encoding.UTF8.GetBytes(likely[i])), Gen.Byte.Array[0, 30]).Array[0, 5].Select(parts => parts.SelectMany(part => part).ToArray());
        var pattern = StampPattern.Parse("*%d/%b/%Y:%H:%M:%S %z");
        line.Sample(bytes =>
        {
            _ = new StampReader(null, TwoHoursEast, Written).TryRead(bytes, out _);
            _ = new StampReader(pattern, TwoHoursEast, Written).TryRead(bytes, out _);
        });
    }

    private static string? Read(string line, StampPattern? pattern) =>
        new StampReader(pattern, TwoHoursEast, Written).TryRead(Encoding.UTF8.GetBytes(line), out var ticks)
            ? new DateTime(ticks, DateTimeKind.Utc).ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'", CultureInfo.InvariantCulture)
            : null;
}
