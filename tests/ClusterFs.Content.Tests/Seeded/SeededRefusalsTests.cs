using System.Diagnostics;
using System.Net.Sockets;
using ClusterFs.Configuration;
using ClusterFs.Content.Seeded;
using ClusterFs.Posix;

namespace ClusterFs.Content.Tests.Seeded;

/// <summary>What cannot be rendered is one clear error, and changes nothing.</summary>
public sealed class SeededRefusalsTests : IDisposable
{
    private readonly SeededBed _bed = new();

    public void Dispose() => _bed.Dispose();

    [Fact]
    public void A_rendering_that_the_check_refuses_changes_nothing_and_says_what_was_printed()
    {
        _bed.Write("good\n");
        var files = _bed.Start(file => file with { Check = "grep -q good \"$CLUSTERFS_STAGED\" || { echo \"$CLUSTERFS_FILE is bad on $CLUSTERFS_NODE\"; exit 3; }" });
        SeededBed.Render(files);
        var before = FileStatus.TryRead(_bed.Target);
        _bed.Write("wrong\n");
        SeededBed.Render(files);
        Assert.Equal(before, FileStatus.TryRead(_bed.Target));
        Assert.Equal(1, _bed.ReloadCount);
        var state = SeededBed.StateOf(files);
        Assert.Equal(
            (SeededCondition.Stale, $"{_bed.Target}: the check refused what was rendered, so the file stays as it was: exit code 3: {_bed.Target} is bad on n1"),
            (state.Condition, state.Reason));
        SeededBed.Render(files);
        Assert.Single(_bed.News, news => news.News == SeededNews.Failed);
        _bed.Write("good again\n");
        SeededBed.Render(files);
        Assert.Equal("good again\n", File.ReadAllText(_bed.Target));
        Assert.Equal(SeededCondition.Current, SeededBed.StateOf(files).Condition);
    }

    [Fact]
    public void A_check_has_a_time_limit_and_may_not_change_what_it_checks()
    {
        _bed.Write("x\n");
        var hanging = _bed.Start(file => file with { Check = "sleep 60", CheckTimeout = TimeSpan.FromMilliseconds(200) });
        SeededBed.Render(hanging);
        Assert.EndsWith("no end after 0.2 s, killed", SeededBed.StateOf(hanging).Reason, StringComparison.Ordinal);
        var changing = _bed.Start(file => file with { Check = "echo more >> \"$CLUSTERFS_STAGED\"" });
        SeededBed.Render(changing);
        Assert.Contains("the check changed the staged file", SeededBed.StateOf(changing).Reason, StringComparison.Ordinal);
        Assert.False(File.Exists(_bed.Target));
        Assert.False(Directory.Exists(Path.GetDirectoryName(_bed.Kept(1))));
    }

    [Fact]
    public void A_check_that_is_cut_short_by_the_end_of_the_daemon_leaves_nothing()
    {
        _bed.Write("one\n");
        using var stop = new CancellationTokenSource();
        var files = _bed.Start(file => file with { Check = "sleep 60" }, reached: point => stop.CancelAfter(TimeSpan.FromMilliseconds(point == "staged" ? 200 : -1)));
        Assert.True(files.RenderDue(stop.Token));
        Assert.Throws<OperationCanceledException>(() => files.RenderDue(stop.Token));
        Assert.False(File.Exists(_bed.Target));
        Assert.False(Directory.Exists(Path.GetDirectoryName(_bed.Kept(1))));
        SeededBed.Render(_bed.Start());
        Assert.Equal(("one\n", 1), (File.ReadAllText(_bed.Target), _bed.ReloadCount));
    }

    [Fact]
    public void A_mistake_at_one_file_keeps_no_other_from_being_rendered_and_reloaded()
    {
        _bed.Write("%NODE%\n");
        var other = Path.Combine(_bed.Root, "etc", "other.conf");
        var staged = 0;
        var files = _bed.StartAll(
            [_bed.SeededFile, _bed.SeededFile with { Path = other }],
            reached: point => _ = point == "staged" && ++staged == 1 ? throw new InvalidOperationException("a mistake") : 0);
        SeededBed.Render(files);
        Assert.Equal(("n1\n", 1), (File.ReadAllText(other), _bed.ReloadCount));
        Assert.Equal(
            [(SeededCondition.Stale, $"{_bed.Target}: it cannot be written: unexpected: InvalidOperationException: a mistake"), (SeededCondition.Current, null)],
            files.States.Select(state => (state.Condition, state.Reason)));
    }

    [Fact]
    public void A_file_too_large_to_be_compared_is_said_to_be()
    {
        using (var large = File.Create(_bed.Target))
        {
            large.SetLength(5 << 20);
        }

        _bed.Write("one\n");
        Assert.Equal($"n1:{_bed.Target} has {5 << 20} bytes, too many to be compared here\n", Assert.Single(_bed.Start().Compare(null)).Diff);
    }

    [Fact]
    public void What_was_wrong_with_the_file_is_said_again_once_shared_storage_is_back()
    {
        _bed.Write("one\n");
        var clock = new Clock();
        var files = _bed.Start(file => file with { Check = "exit 3" }, time: clock);
        SeededBed.Render(files);
        var refused = SeededBed.StateOf(files);
        Directory.Move(_bed.Shared, _bed.Shared + ".away");
        SeededBed.Render(files);
        Assert.Equal(SeededCondition.Unknown, SeededBed.StateOf(files).Condition);
        Directory.Move(_bed.Shared + ".away", _bed.Shared);
        SeededBed.Render(files);
        Assert.Equal((SeededCondition.Stale, refused.Reason), (SeededBed.StateOf(files).Condition, SeededBed.StateOf(files).Reason));
        Assert.Contains("exit code 3", refused.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_bad_template_is_one_clear_error_and_changes_nothing()
    {
        _bed.Write("one\n");
        var files = _bed.Start();
        SeededBed.Render(files);
        _bed.Write("a\n%HOSTNAM%\n");
        SeededBed.Render(files);
        var state = SeededBed.StateOf(files);
        Assert.Equal(SeededCondition.Stale, state.Condition);
        Assert.StartsWith($"{_bed.Template}:2: there is no value for %HOSTNAM%; did you mean 'HOSTNAME'?", state.Reason, StringComparison.Ordinal);
        Assert.Equal("one\n", File.ReadAllText(_bed.Target));
    }

    [Fact]
    public void A_missing_template_is_told_from_shared_storage_that_is_away()
    {
        _bed.Write("one\n");
        var files = _bed.Start();
        SeededBed.Render(files);
        File.Delete(_bed.Template);
        SeededBed.Render(files);
        Assert.Equal(
            (SeededCondition.Stale, $"{_bed.Template}: there is no such template; what was rendered from it stays"),
            (SeededBed.StateOf(files).Condition, SeededBed.StateOf(files).Reason));
        Directory.Move(_bed.Shared, _bed.Shared + ".away");
        SeededBed.Render(files);
        Assert.Equal(SeededCondition.Unknown, SeededBed.StateOf(files).Condition);
        Assert.Contains("is away", SeededBed.StateOf(files).Reason, StringComparison.Ordinal);

        // A mount point without its mount.
        Directory.CreateDirectory(_bed.Shared);
        SeededBed.Render(files);
        Assert.Equal(SeededCondition.Unknown, SeededBed.StateOf(files).Condition);
        Assert.Equal("one\n", File.ReadAllText(_bed.Target));
        Directory.Delete(_bed.Shared);
        Directory.Move(_bed.Shared + ".away", _bed.Shared);
        _bed.Write("one\n");
        SeededBed.Render(files);
        Assert.Equal(SeededCondition.Current, SeededBed.StateOf(files).Condition);
    }

    [Theory]
    [InlineData("link")]
    [InlineData("directory-link")]
    [InlineData("socket")]
    [InlineData("socket-link")]
    [InlineData("empty")]
    [InlineData("pipe")]
    [InlineData("directory")]
    [InlineData("large")]
    public void What_is_no_template_inside_of_shared_storage_is_refused(string kind)
    {
        // A socket refuses to be opened, so the reason tells that nobody tried.
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        var secret = Path.Combine(_bed.Root, "secret");
        File.WriteAllText(secret, "secret\n");
        switch (kind)
        {
            case "link":
                File.CreateSymbolicLink(_bed.Template, secret);
                break;
            case "socket":
                socket.Bind(new UnixDomainSocketEndPoint(_bed.Template));
                break;
            case "socket-link":
                File.Delete(secret);
                socket.Bind(new UnixDomainSocketEndPoint(secret));
                File.CreateSymbolicLink(_bed.Template, secret);
                break;
            case "empty":
                _bed.Write("");
                break;
            case "directory-link":
                Directory.Delete(Path.GetDirectoryName(_bed.Template)!);
                Directory.CreateSymbolicLink(Path.GetDirectoryName(_bed.Template)!, Directory.CreateDirectory(Path.Combine(_bed.Root, "outside")).FullName);
                _bed.Write("outside\n");
                break;
            case "pipe":
                using (var made = Process.Start("mkfifo", _bed.Template))
                {
                    made.WaitForExit();
                }

                break;
            case "directory":
                Directory.CreateDirectory(_bed.Template);
                break;
            default:
                using (var sparse = File.Create(_bed.Template))
                {
                    sparse.SetLength((4 << 20) + 1);
                }

                break;
        }

        var files = _bed.Start();
        SeededBed.Render(files);
        Assert.False(File.Exists(_bed.Target));
        Assert.Equal(SeededCondition.Stale, SeededBed.StateOf(files).Condition);
        Assert.Contains(
            kind switch
            {
                "link" or "directory-link" or "socket-link" => $"{_bed.Template}: leads out of {_bed.Shared}",
                "large" => "is too large",
                "empty" => "the template is empty",
                _ => "is no regular file",
            },
            SeededBed.StateOf(files).Reason,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_target_that_cannot_be_written_is_one_clear_error()
    {
        _bed.Write("one\n");
        var nowhere = Path.Combine(_bed.Root, "nowhere");
        Assert.Equal(
            $"{nowhere}/x: there is no directory {nowhere}; make it, with the owner and mode that it should have", Reason(file => file with { Path = nowhere + "/x" }));
        Assert.StartsWith("/proc/seeded: it cannot be written: ", Reason(file => file with { Path = "/proc/seeded" }), StringComparison.Ordinal);
        File.CreateSymbolicLink(_bed.Target, "elsewhere");
        Assert.Equal($"{_bed.Target}: is a symbolic link; name the file that it leads to", Reason(file => file));
        File.Delete(_bed.Target);
        Directory.CreateDirectory(_bed.Target);
        Assert.Equal($"{_bed.Target}: is no regular file", Reason(file => file));
        Directory.Delete(_bed.Target);
        File.WriteAllText(Path.GetDirectoryName(_bed.Kept(1))!, "not a directory");
        Assert.EndsWith("is in the way, and is no directory; move it away", Reason(file => file), StringComparison.Ordinal);
        Assert.False(File.Exists(_bed.Target));

        string? Reason(Func<SeededSettings, SeededSettings> with)
        {
            var files = _bed.Start(with);
            SeededBed.Render(files);
            Assert.Equal(SeededCondition.Stale, SeededBed.StateOf(files).Condition);
            return SeededBed.StateOf(files).Reason;
        }
    }

    [Fact]
    public void A_reload_that_fails_is_reported_and_tried_again()
    {
        _bed.Write("one\n");
        var flag = Path.Combine(_bed.Root, "flag");
        SeededSettings With(SeededSettings file) => file with { Reload = $"test -e '{flag}' || {{ echo no flag; exit 1; }}; echo x >> '{_bed.Reloads}'" };
        var files = _bed.Start(With);
        SeededBed.Render(files);
        Assert.Equal("one\n", File.ReadAllText(_bed.Target));
        Assert.Equal(
            (SeededCondition.Stale, $"{_bed.Target}: the file is in its place, but the reload failed, and is tried again: exit code 1: no flag"),
            (SeededBed.StateOf(files).Condition, SeededBed.StateOf(files).Reason));
        File.WriteAllText(flag, "");

        // The next daemon does not wait.
        var next = _bed.Start(With);
        SeededBed.Render(next);
        Assert.Equal((SeededCondition.Current, 1), (SeededBed.StateOf(next).Condition, _bed.ReloadCount));
    }

    private sealed class Clock : TimeProvider
    {
        private long _now;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public void Pass(double seconds) => _now += TimeSpan.FromSeconds(seconds).Ticks;

        public override long GetTimestamp() => _now;
    }
}
