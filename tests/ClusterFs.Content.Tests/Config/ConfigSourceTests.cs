using ClusterFs.Content.Config;

namespace ClusterFs.Content.Tests.Config;

public sealed class ConfigSourceTests : IDisposable
{
    private readonly ConfigBed _bed = new();

    public void Dispose() => _bed.Dispose();

    /// <summary>Where it takes long to ask for each file, a look in between goes by what the machine remembers, and what that shows is asked for at once.</summary>
    [Fact]
    public void Between_two_looks_that_take_long_a_change_is_noticed_all_the_same()
    {
        var clock = new SlowClock();
        var source = new ConfigSource(_bed.Shared, "nginx", TimeSpan.Zero, clock);
        _bed.Write("one\n");
        _ = source.Look(nudged: true);
        var (version, _, _) = source.Look(nudged: true);
        Assert.NotNull(version);
        File.WriteAllText(Path.Combine(Path.GetDirectoryName(_bed.Source)!, "another"), "two\n");
        Assert.Equal((null, null, true), source.Look(nudged: false));
        Assert.NotEqual(version, source.Look(nudged: true).Version);
    }

    /// <summary>A look that did not come to its end, and a change that has to stay for a while, do not wait for the next one that is due.</summary>
    [Fact]
    public void What_is_put_right_is_noticed_and_used_between_two_looks_that_take_long()
    {
        var source = new ConfigSource(_bed.Shared, "nginx", TimeSpan.Zero, new SlowClock());
        _bed.Write("one\n");
        var link = Path.Combine(Path.GetDirectoryName(_bed.Source)!, "link");
        File.CreateSymbolicLink(link, "wiki.conf");
        Assert.NotNull(source.Look(nudged: true).Trouble);
        File.Delete(link);
        Assert.Equal((null, null, true), source.Look(nudged: false));
        Assert.NotNull(source.Look(nudged: false).Version);
    }

    [Fact]
    public void Looks_that_take_long_are_not_made_all_the_time_but_when_somebody_says_so()
    {
        var clock = new SlowClock();
        var source = new ConfigSource(_bed.Shared, "nginx", TimeSpan.Zero, clock);
        _bed.Write("one\n");
        _ = source.Look(nudged: true);
        var (version, _, _) = source.Look(nudged: true);
        _ = source.Look(nudged: false);
        _bed.Write("another\n");
        Assert.Equal(version, source.Look(nudged: false).Version);
        Assert.Null(source.Look(nudged: true).Version);
        Assert.NotEqual(version, source.Look(nudged: true).Version);
    }

    /// <summary>Every look at it takes a second.</summary>
    private sealed class SlowClock : TimeProvider
    {
        private long _now;

        public override long TimestampFrequency => 1000;

        public override long GetTimestamp() => _now += 1000;
    }
}
