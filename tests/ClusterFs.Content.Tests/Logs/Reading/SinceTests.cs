using System.Text;
using ClusterFs.Content.Logs.Reading;
using CsCheck;

namespace ClusterFs.Content.Tests.Logs.Reading;

public sealed class SinceTests
{
    private static readonly DateTimeOffset Start = new(2026, 1, 2, 3, 0, 0, TimeSpan.Zero);

    /// <summary>Halving finds the very line that reading from the beginning finds, whatever lies between stamped lines.</summary>
    [Fact]
    public void Halving_finds_what_reading_finds()
    {
        var entry = Gen.Select(Gen.Int[0, 400], Gen.Frequency((8, Gen.Int[0, 200]), (1, Gen.Int[0, 70_000])), Gen.Int[0, 3]);
        Gen.Select(entry.Array[0, 120], Gen.Int[-1, 401], Gen.Bool).Sample((entries, second, startsUnstamped) =>
        {
            using var scratch = new Scratch();
            var text = new StringBuilder(startsUnstamped ? "no stamp\n" : "");
            long? expected = null;
            foreach (var (at, length, more) in entries.OrderBy(one => one.Item1))
            {
                expected ??= at >= second ? text.Length : null;
                text.Append($"{Start.AddSeconds(at):yyyy-MM-dd'T'HH:mm:ss'Z'} ").Append('x', length).Append('\n');
                text.Insert(text.Length, " unstamped\n", more);
            }

            var file = scratch.File(text.ToString());
            Assert.Equal(
                expected ?? text.Length, StampSearch.FirstNotBefore(file, 0, text.Length, Start.AddSeconds(second).UtcTicks, Scratch.Stamps));
        }, iter: 300);
    }

    /// <summary>The answer with --since is that without it, less what is older; over rotated files, and lines a little out of order.</summary>
    [Fact]
    public void Since_leaves_out_what_is_older_and_nothing_else()
    {
        var file = Gen.Select(Gen.Int[0, 55], Gen.Int[0, 2]).Array[0, 40];
        Gen.Select(file.Array[1, 4], Gen.Int[-60, 2500]).Sample((files, second) =>
        {
            using var bed = new LogBed();
            var minute = 0;
            for (var i = 0; i < files.Length; i++)
            {
                var text = new StringBuilder();
                foreach (var (late, more) in files[i])
                {
                    // As requests that took up to a minute would be logged.
                    minute++;
                    text.Append($"{Start.AddSeconds((minute * 20) - late):yyyy-MM-dd'T'HH:mm:ss'Z'} {minute}\n");
                    text.Insert(text.Length, " unstamped\n", more);
                }

                var number = files.Length - 1 - i;
                bed.Put($"n1/wiki/a.log{(number == 0 ? "" : number == 1 ? ".1" : $".{number}.gz")}", text.ToString());
            }

            var since = Start.AddSeconds(second);
            var expected = new List<string>();
            var isWanted = false;
            foreach (var line in bed.Read(format: default(LogFormat)))
            {
                isWanted = line.StartsWith(' ') ? isWanted : DateTimeOffset.Parse(line.Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture) >= since;
                if (isWanted)
                {
                    expected.Add(line);
                }
            }

            Assert.Equal(expected, bed.Read(new LogQuery { Since = since }, default(LogFormat)));
        }, iter: 60);
    }

    [Fact]
    public void Little_is_read_of_a_large_file()
    {
        using var scratch = new Scratch();
        var text = new StringBuilder();
        for (var i = 0; i < 200_000; i++)
        {
            text.Append($"{Start.AddMilliseconds(i * 100):yyyy-MM-dd'T'HH:mm:ss.fff'Z'} {i} and then some more of it\n");
        }

        var file = scratch.File(text.ToString());
        var before = BytesRead();
        var at = StampSearch.FirstNotBefore(file, 0, text.Length, Start.AddSeconds(15_000).UtcTicks, Scratch.Stamps);
        Assert.Equal(text.ToString().IndexOf("2026-01-02T07:10:00.000Z", StringComparison.Ordinal), at);
        Assert.InRange(BytesRead() - before, 1, 3 * 1024 * 1024);
    }

    private static long BytesRead() => long.Parse(
        File.ReadLines("/proc/self/io").Single(line => line.StartsWith("rchar:", StringComparison.Ordinal))[7..], System.Globalization.CultureInfo.InvariantCulture);
}
