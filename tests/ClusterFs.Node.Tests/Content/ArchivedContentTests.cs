using ClusterFs.Archive;
using ClusterFs.Archive.Rehearsal;
using ClusterFs.Configuration;
using ClusterFs.Node.Agents;
using ClusterFs.Node.Content;

namespace ClusterFs.Node.Tests.Content;

public sealed class ArchivedContentTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("clusterfs-content-").FullName;

    public ArchivedContentTests()
    {
        ServiceArchive.Initialize(Shared);
        Directory.CreateDirectory(Live);
        File.WriteAllText(Path.Combine(Live, "page"), "content");
    }

    private string Shared => Path.Combine(_root, "shared");

    private string Live => Path.Combine(_root, "n1", "live");

    private string Calls => Path.Combine(_root, "calls");

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void Hooks_run_around_a_dump_and_not_once_the_service_has_ended()
    {
        var content = Content(new LiveSettings(Live, CaptureKind.Hooks, TimeSpan.FromSeconds(5), new RetentionSettings(0, 0, 0, 0, 0, 0))
        {
            Hooks = new HookSettings($"echo quiesce >> {Calls}", $"echo resume >> {Calls}", TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(30)),
        });

        Assert.Equal(WorkOutcome.Done, content.Do(WorkKind.TakeOver, 1, _ => { }).Outcome);
        var dump = content.Do(WorkKind.Dump, 1, _ => { });
        Assert.Equal((WorkOutcome.Done, null, null), (dump.Outcome, dump.Problem, dump.Warning));
        Assert.Equal(["quiesce", "resume"], File.ReadAllLines(Calls));
        File.WriteAllText(Path.Combine(Live, "page"), "the end");

        var last = content.Do(WorkKind.FinalDump, 1, _ => { });

        Assert.Equal((WorkOutcome.Done, "1 file: as they lay there, with no writer running"), (last.Outcome, last.Guarantee));
        Assert.Equal(2, File.ReadAllLines(Calls).Length);
    }

    [Fact]
    public void A_resume_that_fails_is_a_warning_of_a_dump_that_counts_and_part_of_the_problem_of_one_that_does_not()
    {
        var failing = Path.Combine(_root, "failing");
        var content = Content(new LiveSettings(Live, CaptureKind.Hooks, TimeSpan.FromSeconds(5), new RetentionSettings(0, 0, 0, 0, 0, 0))
        {
            Hooks = new HookSettings($"! test -e {failing}", "echo no server; exit 3", TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(30)),
        });
        content.Do(WorkKind.TakeOver, 1, _ => { });

        var dump = content.Do(WorkKind.Dump, 1, _ => { });

        Assert.Equal(WorkOutcome.Done, dump.Outcome);
        Assert.Contains("exit code 3: no server", dump.Warning, StringComparison.Ordinal);

        File.WriteAllText(failing, string.Empty);
        var failed = content.Do(WorkKind.Dump, 1, _ => { });
        Assert.Equal(WorkOutcome.Failed, failed.Outcome);
        Assert.Contains("quiesce hook of wiki failed", failed.Problem, StringComparison.Ordinal);
        Assert.Contains("THE RESUME HOOK OF wiki FAILED", failed.Problem, StringComparison.Ordinal);
    }

    [Fact]
    public void A_command_writes_what_is_dumped_and_the_last_dump_takes_the_files()
    {
        var content = Content(new LiveSettings(Live, CaptureKind.Command, TimeSpan.FromSeconds(5), new RetentionSettings(0, 0, 0, 0, 0, 0))
        {
            Command = new CaptureCommandSettings("cp $CLUSTERFS_PATH/page .", TimeSpan.FromSeconds(30)),
        });
        content.Do(WorkKind.TakeOver, 1, _ => { });

        Assert.Equal("1 file: as the capture command wrote them", content.Do(WorkKind.Dump, 1, _ => { }).Guarantee);
        Assert.False(content.LookForRisk().Changed);
        File.WriteAllText(Path.Combine(Live, "page"), "the end");
        Assert.True(content.LookForRisk().Changed);
        Assert.Equal("1 file: as they lay there, with no writer running", content.Do(WorkKind.FinalDump, 1, _ => { }).Guarantee);
    }

    [Fact]
    public void The_newest_dump_is_rehearsed_with_the_check_of_the_configuration()
    {
        var live = new LiveSettings(Live, CaptureKind.Copy, TimeSpan.FromSeconds(5), new RetentionSettings(0, 0, 0, 0, 0, 0));
        var nothing = OnItsOwn(() => Content(live).Rehearse(_ => { }, CancellationToken.None));
        Assert.Equal(new RehearsalSeen(null, null), nothing);
        Assert.Equal(RehearsalHistory.None, Content(live).LookAtRehearsals());

        var content = Content(live with { Rehearsal = new RehearsalSettings(null, "grep -qx 'the end' page", TimeSpan.FromSeconds(30)) });
        content.Do(WorkKind.TakeOver, 1, _ => { });
        content.Do(WorkKind.Dump, 1, _ => { });
        var said = new List<string?>();
        var failed = OnItsOwn(() => content.Rehearse(said.Add, CancellationToken.None));
        Assert.Equal((2, "it was restored, but its check failed: exit code 1"), (failed.Report!.Sequence, failed.Report.Problem));
        Assert.Null(said[^1]);

        File.WriteAllText(Path.Combine(Live, "page"), "the end");
        content.Do(WorkKind.Dump, 1, _ => { });
        var passed = OnItsOwn(() => content.Rehearse(_ => { }, CancellationToken.None));
        Assert.Equal((3, null, null), (passed.Report!.Sequence, passed.Report.Problem, passed.Problem));
        Assert.Equal(new RehearsalHistory(passed.Report, passed.Report), content.LookAtRehearsals());
    }

    [Fact]
    public void The_check_of_a_rehearsal_lets_everything_else_go_first_and_no_thread_of_the_daemon_is_slower_for_it()
    {
        var seen = Path.Combine(_root, "seen");
        var content = Content(new LiveSettings(Live, CaptureKind.Copy, TimeSpan.FromSeconds(5), new RetentionSettings(0, 0, 0, 0, 0, 0))
        {
            Rehearsal = new RehearsalSettings(null, $"nice > {seen}", TimeSpan.FromSeconds(30)),
        });
        content.Do(WorkKind.TakeOver, 1, _ => { });
        content.Do(WorkKind.Dump, 1, _ => { });

        var before = Priorities();
        var (rehearsed, after) = OnItsOwn(() => (content.Rehearse(_ => { }, CancellationToken.None), Priorities()));

        Assert.Null(rehearsed.Report!.Problem);
        Assert.Equal("19", File.ReadAllText(seen).Trim());
        Assert.Equal(before, after);
    }

    [Fact]
    public void A_rehearsal_is_not_said_to_come_on_once_all_is_written_and_another_in_its_place_is_told()
    {
        var content = Content(new LiveSettings(Live, CaptureKind.Copy, TimeSpan.FromSeconds(5), new RetentionSettings(0, 0, 0, 0, 0, 0)));
        content.Do(WorkKind.TakeOver, 1, _ => { });
        content.Do(WorkKind.Dump, 1, _ => { });
        var said = new List<string?>();
        Assert.True(OnItsOwn(() => content.Rehearse(said.Add, CancellationToken.None)).Report!.Passed);
        Assert.Null(said[^1]);

        using (Posix.DirectoryLock.TryTake(Path.Combine(_root, "n1", ".live.clusterfs", "rehearsal")))
        {
            Assert.Contains(
                "Another rehearsal is under way", OnItsOwn(() => content.Rehearse(_ => { }, CancellationToken.None)).Problem, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_rehearsal_that_cannot_be_begun_says_why_and_a_cancelled_one_nothing()
    {
        var content = Content(new LiveSettings(Live, CaptureKind.Copy, TimeSpan.FromSeconds(5), new RetentionSettings(0, 0, 0, 0, 0, 0)));
        content.Do(WorkKind.TakeOver, 1, _ => { });
        content.Do(WorkKind.Dump, 1, _ => { });
        Assert.Equal(new RehearsalSeen(null, null), OnItsOwn(() => content.Rehearse(_ => { }, new CancellationToken(canceled: true))));

        var place = Path.Combine(_root, "n1", ".live.clusterfs", "rehearsal");
        Directory.Delete(place, recursive: true);
        File.WriteAllText(place, "in the way");
        Assert.Contains(place, OnItsOwn(() => content.Rehearse(_ => { }, CancellationToken.None)).Problem, StringComparison.Ordinal);
    }

    /// <summary>Of the threads of this process, each once.</summary>
    private static HashSet<string> Priorities()
    {
        const int nice = 16;
        var found = new HashSet<string>();
        foreach (var thread in Directory.EnumerateDirectories("/proc/self/task"))
        {
            try
            {
                // After the name, which may hold spaces, come the fields from the third on.
                found.Add(File.ReadAllText(Path.Combine(thread, "stat")).Split(") ")[^1].Split(' ')[nice]);
            }
            catch (IOException)
            {
                // It has ended.
            }
        }

        return found;
    }

    /// <summary>As the daemon does it: not on a thread of the pool.</summary>
    private static T OnItsOwn<T>(Func<T> work) => OwnThreads.Unbounded(work).GetAwaiter().GetResult();

    private ArchivedContent Content(LiveSettings live) => new(
        new ServiceSettings("wiki", ["n1"], live, null, null, new FailoverSettings(5, TimeSpan.FromMinutes(10)), TimeSpan.FromSeconds(10), OnLost.Kill), "n1", Shared, keys: null);
}
