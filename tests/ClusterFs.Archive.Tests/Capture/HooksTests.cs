using System.Globalization;
using ClusterFs.Archive.Capture;
using ClusterFs.Archive.Lineage;
using ClusterFs.Archive.Log;
using ClusterFs.Posix;

namespace ClusterFs.Archive.Tests.Capture;

public sealed class HooksTests : IDisposable
{
    private readonly TestBed _bed = new();

    public HooksTests()
    {
        _bed.Write("n1", "page", "content");
        _bed.TakeOver("n1", 1);
    }

    private string Calls => _bed.Scratch("calls");

    private string[] Called => File.Exists(Calls) ? File.ReadAllLines(Calls) : [];

    public void Dispose() => _bed.Dispose();

    [Fact]
    public void The_files_are_read_between_the_two_hooks_which_know_what_it_is_about()
    {
        var said = Array.Empty<string>();
        var dump = _bed.Dump(
            "n1",
            Hooks(
                $"echo quiesce $CLUSTERFS_SERVICE $CLUSTERFS_NODE $CLUSTERFS_PATH $CLUSTERFS_EPOCH $PWD >> {Calls}; printf written > page",
                $"echo resume $CLUSTERFS_SERVICE >> {Calls}; printf after > page"),
            point => said = point == "prepared" ? Called : said);

        Assert.Equal([$"quiesce wiki n1 {_bed.Live("n1")} 1 {_bed.Live("n1")}"], said);
        Assert.Equal("resume wiki", Called[^1]);
        Assert.Equal("written", File.ReadAllText(Path.Combine(_bed.Restored(dump.Record), "page")));
        Assert.Equal("1 file: read while the service stood still, by its quiesce hook", dump.Guarantee);
        Assert.False(File.Exists(MarkFile));
    }

    /// <summary>The service stands still meanwhile, and what a hook starts may be a part of it that stays.</summary>
    [Fact]
    public void Hooks_do_not_give_way_to_others_as_the_dump_does()
    {
        var own = Processes.ThreadNiceness.ToString(CultureInfo.InvariantCulture);
        _bed.Dump("n1", Hooks($"nice >> {Calls}; printf written > page", $"nice >> {Calls}"));

        Assert.Equal([own, own], Called);
    }

    [Fact]
    public void A_service_that_had_not_written_what_it_has_is_not_called_unchanged()
    {
        new FileSystemClock(_bed.Root).WaitUntilSettled(CancellationToken.None);
        _bed.Dump("n1", Hooks("true", "true"));

        var dump = _bed.Dump("n1", Hooks("printf 'out of memory' > page", "true"));

        Assert.Equal("out of memory", File.ReadAllText(Path.Combine(_bed.Restored(dump.Record), "page")));
    }

    [Fact]
    public void A_service_with_nothing_new_is_let_go_and_nothing_is_written()
    {
        _bed.Dump("n1", Settled);
        using var content = _bed.Open("n1", Settled);

        Assert.IsType<DumpResult.Unchanged>(content.Dump(1, CancellationToken.None));

        Assert.Equal(["quiesce", "resume", "quiesce", "resume"], Called);
    }

    [Fact]
    public void A_quiesce_that_fails_is_told_with_its_exit_code_and_last_words_and_the_service_is_let_go()
    {
        using var content = _bed.Open("n1", Hooks($"echo quiesce >> {Calls}; echo first; echo 'no such database' >&2; exit 7", Resume));

        var error = Assert.Throws<LocalContentException>(() => content.Dump(1, CancellationToken.None));

        Assert.Contains("exit code 7", error.Message, StringComparison.Ordinal);
        Assert.Contains("no such database", error.Message, StringComparison.Ordinal);
        Assert.Equal(["quiesce", "resume"], Called);
        Assert.Empty(Dumps);
    }

    [Fact]
    public void A_quiesce_that_does_not_end_is_killed_with_all_that_it_started()
    {
        var hooks = Hooks($"echo waiting; (setsid sleep 300 & echo $! > {Calls}.child; wait)", Resume);
        using var content = _bed.Open("n1", hooks with { Hooks = hooks.Hooks! with { Timeout = TimeSpan.FromSeconds(5) } });

        var error = Assert.Throws<LocalContentException>(() => content.Dump(1, CancellationToken.None));

        Assert.Contains("no end after 5 s, killed: waiting", error.Message, StringComparison.Ordinal);
        Assert.Equal(["resume"], Called);
        Assert.False(Await.IsAlive(File.ReadAllText($"{Calls}.child")));
        Assert.Empty(Dumps);
    }

    [Fact]
    public void A_cancelled_quiesce_is_killed_and_the_service_let_go()
    {
        using var cancellation = new CancellationTokenSource();
        using var content = _bed.Open("n1", Hooks($"echo $$ > {Calls}.process; sleep 300", Resume));
        var dumping = Task.Run(() => content.Dump(1, cancellation.Token));
        Await.That(() => File.Exists($"{Calls}.process") && File.ReadAllText($"{Calls}.process").EndsWith('\n'), "the hook runs");

        cancellation.Cancel();

        Assert.ThrowsAny<OperationCanceledException>(() => dumping.GetAwaiter().GetResult());
        Assert.Equal(["resume"], Called);
        Assert.False(Await.IsAlive(File.ReadAllText($"{Calls}.process")));
    }

    [Fact]
    public void A_dump_cancelled_while_it_reads_lets_the_service_go()
    {
        using var cancellation = new CancellationTokenSource();
        using var content = _bed.Open(
            "n1",
            Settled,
            point =>
            {
                if (point == "prepared")
                {
                    cancellation.Cancel();
                }
            });

        Assert.ThrowsAny<OperationCanceledException>(() => content.Dump(1, cancellation.Token));

        Assert.Equal(["quiesce", "resume"], Called);
        Assert.Empty(Dumps);
    }

    [Fact]
    public void A_dump_that_fails_while_it_reads_lets_the_service_go()
    {
        using var content = _bed.Open("n1", Settled, point => throw new IOException($"failing at {point}"));

        Assert.Throws<LocalContentException>(() => content.Dump(1, CancellationToken.None));

        Assert.Equal(["quiesce", "resume"], Called);
    }

    [Fact]
    public void A_service_that_would_stand_still_for_too_long_is_let_go_and_the_dump_fails()
    {
        using var content = _bed.Open(
            "n1",
            Settled with { Hooks = Settled.Hooks! with { Limit = TimeSpan.FromMilliseconds(50) } },
            point =>
            {
                if (point == "prepared")
                {
                    // As a reader that hangs would.
                    Await.That(() => Called.Contains("resume"), "the service is let go");
                }
            });

        var error = Assert.Throws<LocalContentException>(() => content.Dump(1, CancellationToken.None));

        Assert.Contains("stood still for 0.05 s", error.Message, StringComparison.Ordinal);
        Assert.Equal(["quiesce", "resume"], Called);
        Assert.Empty(Dumps);
    }

    [Fact]
    public void A_resume_that_fails_is_told_loudly_the_dump_counts_and_the_next_dump_resumes_first()
    {
        using (var content = _bed.Open("n1", Hooks("true", "echo is it running; exit 3")))
        {
            Assert.IsType<DumpResult.Committed>(content.Dump(1, CancellationToken.None));
            Assert.Contains("exit code 3: is it running", content.ResumeProblem, StringComparison.Ordinal);
        }

        _bed.Write("n1", "page", "changed");
        using var cured = _bed.Open("n1", Settled);
        Assert.Equal(["resume"], Called);
        Assert.IsType<DumpResult.Committed>(cured.Dump(1, CancellationToken.None));
        Assert.Equal(["resume", "quiesce", "resume"], Called);
        Assert.Null(cured.ResumeProblem);
        Assert.Equal(2, Dumps.Count);
    }

    [Fact]
    public void A_service_whose_dumper_died_is_let_go_by_whoever_opens_its_content_next()
    {
        using (var child = new Child("dump-hooked", _bed.Shared, _bed.Live("n1"), "prepared", $"echo quiesce >> {Calls}", Resume))
        {
            Assert.Equal(137, child.Wait());
        }

        Assert.Equal(["quiesce"], Called);
        Assert.True(File.Exists(MarkFile));
        using var content = _bed.Open("n1");
        Assert.Equal(["quiesce", "resume"], Called);
        Assert.False(File.Exists(MarkFile));
        Assert.Null(content.ResumeProblem);
    }

    [Fact]
    public void A_dumper_that_is_stopped_lets_the_service_go_before_it_ends()
    {
        using var child = new Child("dump-hooked", _bed.Shared, _bed.Live("n1"), "exit:prepared", $"echo quiesce >> {Calls}", Resume);

        Assert.Equal(3, child.Wait());

        Assert.Equal(["quiesce", "resume"], Called);
        Assert.False(File.Exists(MarkFile));
    }

    [Fact]
    public void A_quiesce_that_outlived_its_dumper_does_not_come_after_the_resume()
    {
        using (var child = new Child(
            "dump-hooked", _bed.Shared, _bed.Live("n1"), "nowhere", $"echo $$ > {Calls}.process; sleep 300; echo late >> {Calls}", Resume))
        {
            Await.That(() => File.Exists($"{Calls}.process") && File.ReadAllText($"{Calls}.process").EndsWith('\n'), "the hook runs");
            child.Kill();
        }

        var process = File.ReadAllText($"{Calls}.process");
        Assert.True(Await.IsAlive(process));
        using var content = _bed.Open("n1");
        Assert.False(Await.IsAlive(process));
        Assert.Equal(["resume"], Called);
    }

    [Fact]
    public void A_hook_that_leaves_something_running_is_not_waited_for_beyond_its_own_end()
    {
        var dump = _bed.Dump("n1", Hooks($"sleep 300 & echo $! > {Calls}.helper", $"kill $(cat {Calls}.helper) && {Resume}"));

        Assert.True(dump.Record.Content.Files > 0);
        Assert.Equal(["resume"], Called);
    }

    [Fact]
    public void A_mark_that_is_damaged_lets_the_service_go_all_the_same()
    {
        File.WriteAllText(MarkFile, "{\"run\":\"");

        using var content = _bed.Open("n1", Settled);

        Assert.Null(content.ResumeProblem);
        Assert.Equal(["resume"], Called);
        Assert.False(File.Exists(MarkFile));
    }

    [Fact]
    public void Of_a_service_that_has_ended_the_files_are_taken_without_hooks()
    {
        var dump = _bed.Dump("n1", Hooks("exit 1", "exit 1"), ended: true);

        Assert.Equal("1 file: as they lay there, with no writer running", dump.Guarantee);
    }

    private IReadOnlyList<DumpRecord> Dumps => [.. _bed.Archive.List(CancellationToken.None).OfType<DumpRecord>()];

    private string MarkFile => Path.Combine(_bed.MarkerOf("n1"), "quiesced.json");

    private string Resume => $"echo resume >> {Calls}";

    private CaptureSettings Settled => Hooks($"echo quiesce >> {Calls}", Resume);

    private static CaptureSettings Hooks(string quiesce, string resume) => new(CaptureMode.Hooks)
    {
        Hooks = new CaptureHooks(quiesce, resume, TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(30)),
    };
}
