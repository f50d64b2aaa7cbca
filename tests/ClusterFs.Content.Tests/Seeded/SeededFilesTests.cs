using System.Diagnostics;
using ClusterFs.Content.Seeded;
using ClusterFs.Posix;

namespace ClusterFs.Content.Tests.Seeded;

/// <summary>When seeded files are rendered, and what with.</summary>
public sealed class SeededFilesTests : IDisposable
{
    private readonly SeededBed _bed = new();

    public void Dispose() => _bed.Dispose();

    [Fact]
    public void A_template_is_rendered_for_the_node_and_reloaded_once()
    {
        _bed.Write("host %HOSTNAME%\nnode %NODE% at %ADDRESS%\nof %SERVICE%: %DOMAIN%, 100%%\n");
        var files = _bed.Start(variables: new() { ["DOMAIN"] = "wiki.example.org" });
        Assert.Equal(SeededCondition.Unknown, SeededBed.StateOf(files).Condition);
        SeededBed.Render(files);
        SeededBed.Render(files);
        Assert.Equal(
            $"host {System.Net.Dns.GetHostName()}\nnode n1 at 127.0.0.1\nof wiki: wiki.example.org, 100%\n", File.ReadAllText(_bed.Target));
        Assert.Equal(1, _bed.ReloadCount);
        Assert.Equal(0x1A4u, FileStatus.TryRead(_bed.Target)!.Value.Mode);
        var state = SeededBed.StateOf(files);
        Assert.Equal((SeededCondition.Current, null, "it was never rendered here"), (state.Condition, state.Reason, state.RenderedBecause));
        Assert.False(Directory.Exists(Path.GetDirectoryName(_bed.Kept(1))));
        Assert.Equal([SeededNews.Rendered, SeededNews.Reloaded], _bed.News.Select(news => news.News));
    }

    [Fact]
    public void It_is_rendered_again_only_when_something_changed()
    {
        _bed.Write("a %NODE%\n");
        var files = _bed.Start();
        SeededBed.Render(files);
        var before = FileStatus.TryRead(_bed.Target);
        SeededBed.Render(_bed.Start());
        File.SetLastWriteTimeUtc(_bed.Template, DateTime.UnixEpoch);
        SeededBed.Render(files);
        Assert.Equal(before, FileStatus.TryRead(_bed.Target));
        Assert.Equal(1, _bed.ReloadCount);

        _bed.Write("b %NODE%\n");
        Assert.True(files.RenderDue(CancellationToken.None), "what was just changed is looked at once more before it is used");
        Assert.Equal("a n1\n", File.ReadAllText(_bed.Target));
        SeededBed.Render(files);
        Assert.Equal("b n1\n", File.ReadAllText(_bed.Target));
        Assert.Equal("the template changed", SeededBed.StateOf(files).RenderedBecause);
        Assert.Equal(2, _bed.ReloadCount);
    }

    [Fact]
    public void A_value_that_changed_is_the_reason()
    {
        _bed.Write("%WORKERS% %OTHER%\n");
        SeededBed.Render(_bed.Start(variables: new() { ["WORKERS"] = "2", ["OTHER"] = "x", ["UNUSED"] = "1" }));
        var files = _bed.Start(variables: new() { ["WORKERS"] = "4", ["OTHER"] = "x", ["UNUSED"] = "2" });
        SeededBed.Render(files);
        Assert.Equal("4 x\n", File.ReadAllText(_bed.Target));
        Assert.Equal("%WORKERS% changed", SeededBed.StateOf(files).RenderedBecause);
    }

    [Fact]
    public void A_node_has_its_own_values_where_the_site_gives_it_some()
    {
        _bed.Write("%DOMAIN% %WORKERS%\n");
        SeededBed.Render(_bed.StartAll(
            [_bed.SeededFile],
            new() { ["DOMAIN"] = "example.org", ["WORKERS"] = "2" },
            nodes: new() { ["n1"] = new() { ["WORKERS"] = "8" }, ["n2"] = new() { ["DOMAIN"] = "other" } }));
        Assert.Equal("example.org 8\n", File.ReadAllText(_bed.Target));
    }

    [Fact]
    public void A_template_is_used_once_it_has_stayed_as_it_is()
    {
        var clock = new Clock();
        var files = _bed.Start(time: clock, quiet: TimeSpan.FromSeconds(3));
        _bed.Write("half\n");
        Assert.True(files.RenderDue(CancellationToken.None));
        clock.Pass(2.9);
        Assert.True(files.RenderDue(CancellationToken.None));
        _bed.Write("whole, and longer\n");
        Assert.True(files.RenderDue(CancellationToken.None));
        clock.Pass(2.9);

        // A look at what would change does not put it off.
        Assert.Contains("+whole, and longer\n", Assert.Single(files.Compare(null)).Diff, StringComparison.Ordinal);
        Assert.True(files.RenderDue(CancellationToken.None));
        Assert.False(File.Exists(_bed.Target));
        clock.Pass(0.2);
        Assert.False(files.RenderDue(CancellationToken.None));
        Assert.Equal("whole, and longer\n", File.ReadAllText(_bed.Target));
    }

    [Fact]
    public void A_look_at_what_would_change_makes_no_change_seem_old()
    {
        var clock = new Clock();
        var files = _bed.Start(time: clock, quiet: TimeSpan.FromSeconds(3));
        _bed.Write("one\n");
        files.Compare(null);
        clock.Pass(4);
        Assert.True(files.RenderDue(CancellationToken.None));
        Assert.False(File.Exists(_bed.Target));
    }

    [Fact]
    public async Task Who_asks_for_a_rendering_waits_for_the_template_too()
    {
        _bed.Write("one\n");
        var files = _bed.Start(quiet: TimeSpan.FromSeconds(1));
        var waited = Stopwatch.StartNew();
        Assert.Equal(SeededCondition.Current, Assert.Single(files.Render(null, CancellationToken.None)).Condition);
        Assert.InRange(waited.Elapsed, TimeSpan.FromMilliseconds(990), TimeSpan.FromMinutes(1));
        using var end = new CancellationTokenSource();
        var isWriting = new TaskCompletionSource();
        var writer = Task.Run(() =>
        {
            for (var line = 0; !end.IsCancellationRequested; line++)
            {
                File.AppendAllText(_bed.Template, $"{line}\n");
                isWriting.TrySetResult();
                end.Token.WaitHandle.WaitOne(1);
            }
        });
        await isWriting.Task;
        var state = Assert.Single(files.Render(null, CancellationToken.None));
        await end.CancelAsync();
        await writer;
        Assert.Equal(
            (SeededCondition.Stale, $"{_bed.Template}: somebody is writing it; it is used once it has stayed as it is for 1 s"), (state.Condition, state.Reason));
        Assert.Equal("one\n", File.ReadAllText(_bed.Target));
    }

    [Fact]
    public void A_link_that_stays_inside_is_followed()
    {
        File.WriteAllText(Path.Combine(_bed.Shared, "wiki", "real"), "real\n");
        File.CreateSymbolicLink(_bed.Template, "real");
        SeededBed.Render(_bed.Start());
        Assert.Equal("real\n", File.ReadAllText(_bed.Target));
    }

    [Fact]
    public void Files_that_are_reloaded_alike_are_reloaded_once()
    {
        _bed.Write("%NODE%\n");
        var other = Path.Combine(_bed.Root, "etc", "other.conf");
        var files = _bed.StartAll([_bed.SeededFile, _bed.SeededFile with { Path = other }]);
        SeededBed.Render(files);
        Assert.Equal(("n1\n", "n1\n", 1), (File.ReadAllText(_bed.Target), File.ReadAllText(other), _bed.ReloadCount));
    }

    [Fact]
    public void Compare_shows_what_would_change_and_changes_nothing()
    {
        _bed.Write("one\nnode %NODE%\n");
        var files = _bed.Start();
        Assert.Equal(
            $"--- /dev/null\n+++ n1:{_bed.Target} (from wiki/site.conf.in)\n@@ -0,0 +1,2 @@\n+one\n+node n1\n", Assert.Single(files.Compare("wiki")).Diff);
        Assert.False(File.Exists(_bed.Target));
        SeededBed.Render(files);
        Assert.Equal((null, ""), (Assert.Single(files.Compare(null)).Reason, Assert.Single(files.Compare(null)).Diff));
        File.WriteAllText(_bed.Target, "one\nnode mine\n");
        var edited = Assert.Single(files.Compare(null));
        Assert.EndsWith("@@ -1,2 +1,2 @@\n one\n-node mine\n+node n1\n", edited.Diff, StringComparison.Ordinal);
        _bed.Write("%X%\n");
        Assert.True(Assert.Single(files.Compare(null)).Failed);
        Assert.Empty(files.Compare("blog"));
        Assert.Equal("one\nnode mine\n", File.ReadAllText(_bed.Target));
    }

    private sealed class Clock : TimeProvider
    {
        private long _now;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public void Pass(double seconds) => _now += TimeSpan.FromSeconds(seconds).Ticks;

        public override long GetTimestamp() => _now;
    }
}
