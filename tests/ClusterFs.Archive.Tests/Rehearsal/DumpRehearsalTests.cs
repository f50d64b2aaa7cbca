using ClusterFs.Archive.Lineage;
using ClusterFs.Archive.Log;
using ClusterFs.Archive.Rehearsal;
using ClusterFs.Archive.Restore;
using ClusterFs.Posix;

namespace ClusterFs.Archive.Tests.Rehearsal;

public sealed class DumpRehearsalTests : IDisposable
{
    private static readonly TimeSpan Long = TimeSpan.FromMinutes(1);

    /// <summary>In which a check has begun, however busy the machine is.</summary>
    private static readonly TimeSpan Short = TimeSpan.FromSeconds(5);

    private readonly TestBed _bed = new();
    private readonly DumpRecord _dump;

    public DumpRehearsalTests()
    {
        _bed.Write("n1", "page", "content");
        _bed.Write("n1", "inner/large", new string('x', 3 << 20));
        _bed.TakeOver("n1", 1);
        _dump = _bed.Dump("n1", 1);
    }

    private DumpRehearsal OnN2 => DumpRehearsal.Beside(_bed.Live("n2"), _bed.Archive, "n2");

    private string Seen => _bed.Scratch("seen");

    private string Child => _bed.Scratch("child");

    public void Dispose() => _bed.Dispose();

    [Fact]
    public void The_check_sees_what_the_archive_holds_and_nothing_is_left_but_how_it_went()
    {
        var copy = _bed.Scratch("copy");
        var report = OnN2.Run(
            _dump,
            new RehearsalCheck(
                $"cp -a . {copy} && echo $CLUSTERFS_SERVICE $CLUSTERFS_NODE $CLUSTERFS_SEQUENCE $CLUSTERFS_EPOCH ${{CLUSTERFS_PATH-none}} > {Seen}; "
                + "test \"$CLUSTERFS_RESTORED\" = \"$PWD\"",
                Long),
            null,
            null,
            CancellationToken.None);

        Assert.Equal((null, _dump.Slot, _dump.Content.Bytes), (report.Problem, report.Sequence, report.Bytes));
        Assert.NotNull(report.CheckSeconds);
        Assert.Equal(TestBed.Describe(_bed.Live("n1")), TestBed.Describe(copy));
        Assert.Equal($"wiki n2 {_dump.Slot} 1 none\n", File.ReadAllText(Seen));
        Assert.Equal(new RehearsalHistory(report, report), OnN2.History());
        Assert.Empty(Directory.EnumerateDirectories(OnN2.Place));
        Assert.False(Directory.Exists(_bed.Live("n2")));
    }

    [Fact]
    public void It_reads_the_archive_and_not_what_lies_beside_it()
    {
        // Both have all of it: the live content of its owner, and a standby copy of its node.
        _bed.Follow("n2");
        TestBed.FlipBit(_bed.PackOf(_dump.Content), 40);

        foreach (var node in (string[])["n1", "n2"])
        {
            var report = DumpRehearsal.Beside(_bed.Live(node), _bed.Archive, node).Run(_dump, null, null, null, CancellationToken.None);
            Assert.Contains("is damaged", report.Problem, StringComparison.Ordinal);
        }

        Assert.Equal(new string('x', 3 << 20), File.ReadAllText(Path.Combine(_bed.Standby("n2"), "inner", "large")));
    }

    [Fact]
    public void A_check_that_fails_is_told_with_its_last_words_and_the_last_success_is_not_forgotten()
    {
        var passed = OnN2.Run(_dump, null, null, null, CancellationToken.None);
        Assert.Equal((null, null), (passed.Problem, passed.CheckSeconds));

        var failed = OnN2.Run(_dump, new RehearsalCheck("echo row 7 is missing; exit 3", Long), null, null, CancellationToken.None);

        Assert.Equal("it was restored, but its check failed: exit code 3: row 7 is missing", failed.Problem);
        Assert.Equal(new RehearsalHistory(failed, passed), OnN2.History());
        Assert.Empty(Directory.EnumerateDirectories(OnN2.Place));
    }

    [Fact]
    public void A_check_that_does_not_end_is_killed_with_all_that_it_started()
    {
        var report = OnN2.Run(
            _dump, new RehearsalCheck($"echo waiting; (setsid sleep 300 & echo $! > {Child}; wait)", Short), null, null, CancellationToken.None);

        Assert.Equal("it was restored, but its check failed: no end after 5 s, killed: waiting", report.Problem);
        AssertNothingRuns();
    }

    [Fact]
    public void What_a_check_leaves_running_is_killed_before_its_content_goes()
    {
        var report = OnN2.Run(
            _dump, new RehearsalCheck($"setsid sleep 300 > /dev/null 2>&1 & echo $! > {Child}", Long), null, null, CancellationToken.None);

        Assert.True(report.Passed, report.Problem);
        AssertNothingRuns();
    }

    [Fact]
    public async Task One_that_is_cancelled_leaves_nothing_and_counts_for_nothing()
    {
        using var cancelling = new CancellationTokenSource();
        var running = Task.Run(() => OnN2.Run(_dump, Endless, null, null, cancelling.Token));
        Await.That(() => HasWritten(Child), "the check runs");
        Assert.NotEmpty(Directory.EnumerateDirectories(OnN2.Place));

        await cancelling.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running.WaitAsync(Long));

        AssertNothingRuns();
        Assert.Equal(RehearsalHistory.None, OnN2.History());
        Assert.True(OnN2.Run(_dump, null, null, null, CancellationToken.None).Passed);
    }

    [Fact]
    public async Task A_restore_is_cancelled_between_two_files()
    {
        using var cancelling = new CancellationTokenSource();
        var progress = new Progress(done =>
        {
            if (done.Files == 1)
            {
                cancelling.Cancel();
            }
        });

        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => Task.Run(() => OnN2.Run(_dump, Endless, progress, null, cancelling.Token)).WaitAsync(Long));

        Assert.False(File.Exists(Child));
        Assert.Empty(Directory.EnumerateDirectories(OnN2.Place));
    }

    [Fact]
    public void What_a_crash_leaves_is_ended_and_deleted_by_the_next_who_looks()
    {
        var tree = CrashDuringCheck();
        OnN2.PutInOrder();
        Assert.False(Directory.Exists(tree));
        AssertNothingRuns();

        tree = CrashDuringCheck();
        Assert.True(OnN2.Run(_dump, null, null, null, CancellationToken.None).Passed);
        Assert.False(Directory.Exists(tree));
        AssertNothingRuns();
    }

    [Fact]
    public void What_another_process_is_doing_is_left_alone()
    {
        using var other = new Child("rehearse", _bed.Shared, _bed.Live("n2"), Endless.Text);
        Await.That(() => HasWritten(Child), "the check of the other process runs");

        Assert.Throws<RehearsalUnderWayException>(() => OnN2.Run(_dump, null, null, null, CancellationToken.None));
        OnN2.PutInOrder();

        Assert.True(Await.IsAlive(File.ReadAllText(Child)));
        Assert.Single(Directory.EnumerateDirectories(OnN2.Place));
        other.Kill();
        OnN2.PutInOrder();
    }

    [Fact]
    public void Its_node_follows_takes_over_and_dumps_while_a_check_hangs()
    {
        using var cancelling = new CancellationTokenSource();
        var running = Task.Run(() => OnN2.Run(_dump, Endless, null, null, cancelling.Token));
        Await.That(() => HasWritten(Child), "the check runs");

        _bed.Follow("n2");
        Assert.Equal(_dump, _bed.TakeOver("n2", 2).Head);
        _bed.Write("n2", "page", "by n2");
        _bed.Dump("n2", 2);

        Assert.True(Await.IsAlive(File.ReadAllText(Child)));
        Assert.Single(Directory.EnumerateDirectories(OnN2.Place));
        cancelling.Cancel();
        Assert.ThrowsAny<AggregateException>(() => running.Wait(Long));
        AssertNothingRuns();
    }

    [Fact]
    public async Task Its_node_follows_and_takes_over_while_shared_storage_hangs_for_the_rehearsal()
    {
        _bed.Follow("n2");
        _bed.Write("n1", "page", "second");
        var newest = _bed.Dump("n1", 1);

        // Only the rehearsal reads the first dump's pack: the standby has what is in it.
        var (pack, hanging) = (_bed.PackOf(_dump.Content), _bed.Scratch("hanging"));
        File.Move(pack, $"{pack}.real");
        Programs.Run("mkfifo", pack);
        using var cancelling = new CancellationTokenSource();
        var running = Task.Run(() => OnN2.Run(newest, null, null, null, cancelling.Token));
        Await.That(() => Directory.Exists(OnN2.Place) && Directory.EnumerateDirectories(OnN2.Place).Any(), "the restore has begun");

        Assert.Equal(newest.Slot, Assert.IsType<FollowResult.Followed>(_bed.Follow("n2")).Dump.Slot);
        Assert.Equal(newest, _bed.TakeOver("n2", 2).Head);
        Assert.Equal("second", _bed.Read("n2", "page"));
        Assert.False(running.IsCompleted);

        await cancelling.CancelAsync();
        File.Move(pack, hanging);
        File.Move($"{pack}.real", pack);
        Programs.Run("sh", "-c", $": <> {hanging}");
        await Assert.ThrowsAnyAsync<Exception>(() => running);
        Assert.Empty(Directory.EnumerateDirectories(OnN2.Place));
    }

    [SkippableFact]
    public void A_disk_without_room_is_not_filled()
    {
        Skip.IfNot(Processes.IsRoot, "only root can mount a small file system");
        var small = Directory.CreateDirectory(_bed.Scratch("small")).FullName;
        var (code, said) = Programs.Try("mount", "-t", "tmpfs", "-o", "size=64m", "none", small);
        Skip.If(code != 0, $"a file system cannot be mounted here: {said}");
        try
        {
            var restored = false;
            var report = DumpRehearsal.Beside(Path.Combine(small, "live"), _bed.Archive, "n2")
                .Run(_dump, null, new Progress(_ => restored = true), null, CancellationToken.None);

            Assert.Contains("There is no room", report.Problem, StringComparison.Ordinal);
            Assert.False(restored);
        }
        finally
        {
            Programs.Run("umount", small);
        }
    }

    [SkippableFact]
    public void A_check_that_fills_the_disk_is_stopped_before_it_is_full()
    {
        Skip.IfNot(Processes.IsRoot, "only root can mount a small file system");
        var small = Directory.CreateDirectory(_bed.Scratch("small")).FullName;
        var (code, said) = Programs.Try("mount", "-t", "tmpfs", "-o", "size=128m", "none", small);
        Skip.If(code != 0, $"a file system cannot be mounted here: {said}");
        try
        {
            var rehearsal = DumpRehearsal.Beside(Path.Combine(small, "live"), _bed.Archive, "n2");
            var report = rehearsal.Run(
                _dump, new RehearsalCheck("head -c 80M /dev/zero > more; exec sleep 300", TimeSpan.FromMinutes(4)), null, null, CancellationToken.None);

            Assert.Contains("its check was stopped because the disk filled", report.Problem, StringComparison.Ordinal);
            Assert.Empty(Directory.EnumerateDirectories(rehearsal.Place));
        }
        finally
        {
            Programs.Run("umount", small);
        }
    }

    [SkippableFact]
    public void A_restore_stops_when_others_fill_the_disk()
    {
        Skip.IfNot(Processes.IsRoot, "only root can mount a small file system");
        var small = Directory.CreateDirectory(_bed.Scratch("small")).FullName;
        var (code, said) = Programs.Try("mount", "-t", "tmpfs", "-o", "size=128m", "none", small);
        Skip.If(code != 0, $"a file system cannot be mounted here: {said}");
        try
        {
            var filling = new Progress(done =>
            {
                if (done.Files == 0)
                {
                    File.WriteAllBytes(Path.Combine(small, "others"), new byte[80 << 20]);
                }
            });
            var report = DumpRehearsal.Beside(Path.Combine(small, "live"), _bed.Archive, "n2").Run(_dump, Endless, filling, null, CancellationToken.None);

            Assert.Contains("The restore was stopped because the disk filled", report.Problem, StringComparison.Ordinal);
            Assert.False(File.Exists(Child));
        }
        finally
        {
            Programs.Run("umount", small);
        }
    }

    [Theory]
    [InlineData(100L << 20, 64L << 20)]
    [InlineData(10L << 30, 512L << 20)]
    [InlineData(4L << 40, 1L << 30)]
    public void A_twentieth_of_the_disk_stays_free_within_reason(long total, long reserve) => Assert.Equal(reserve, new DiskRoom(0, total).Reserve);

    [Fact]
    public void A_server_that_clears_its_environment_is_found_by_where_it_works()
    {
        var report = OnN2.Run(
            _dump,
            new RehearsalCheck($"env -i setsid sh -c 'echo $$ > {Child}; cd inner; exec sleep 300' > /dev/null 2>&1 & until test -s {Child}; do sleep 0.05; done", Long),
            null,
            null,
            CancellationToken.None);

        Assert.True(report.Passed, report.Problem);
        AssertNothingRuns();
    }

    [SkippableFact]
    public void What_a_check_leaves_mounted_is_not_deleted()
    {
        Skip.IfNot(Processes.IsRoot, "only root can mount");
        var live = Directory.CreateDirectory(_bed.Scratch("precious")).FullName;
        File.WriteAllText(Path.Combine(live, "page"), "precious");
        var report = OnN2.Run(
            _dump, new RehearsalCheck($"mkdir there && mount --bind {live} there || exit 77", Long), null, null, CancellationToken.None);
        Skip.If(report.Problem?.Contains("exit code 77", StringComparison.Ordinal) == true, $"a directory cannot be mounted here: {report.Problem}");
        var mounted = Path.Combine(Directory.EnumerateDirectories(OnN2.Place).Single(), "there");
        try
        {
            Assert.Contains($"{mounted} is mounted inside what was restored", report.Problem, StringComparison.Ordinal);
            Assert.Throws<LocalContentException>(() => OnN2.Run(_dump, null, null, null, CancellationToken.None));
            Assert.Equal("precious", File.ReadAllText(Path.Combine(live, "page")));
        }
        finally
        {
            Programs.Run("umount", mounted);
        }

        Assert.True(OnN2.Run(_dump, null, null, null, CancellationToken.None).Passed);
        Assert.Empty(Directory.EnumerateDirectories(OnN2.Place));
    }

    [Fact]
    public void One_that_proves_something_else_is_not_remembered()
    {
        var failed = OnN2.Run(_dump, new RehearsalCheck("exit 3", Long), null, null, CancellationToken.None);
        Assert.True(DumpRehearsal.ByHand(_bed.Live("n2"), _bed.Archive, "n2", counts: false).Run(_dump, null, null, null, CancellationToken.None).Passed);
        Assert.Equal(new RehearsalHistory(failed, null), OnN2.History());
    }

    [SkippableFact]
    public void Nobody_at_the_command_line_makes_what_the_daemon_could_not_use()
    {
        Skip.IfNot(Processes.IsRoot, "only root is another user than the daemon and can write all the same");
        const uint nobody = 65534;
        _bed.Follow("n2");
        FileAttribution.SetOwner(_bed.MarkerOf("n2"), nobody, nobody);

        var refused = Assert.Throws<LocalContentException>(
            () => DumpRehearsal.ByHand(_bed.Live("n2"), _bed.Archive, "n2", counts: true).Run(_dump, null, null, null, CancellationToken.None));

        Assert.Contains("is of user 65534", refused.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(OnN2.Place));
        Assert.True(OnN2.Run(_dump, new RehearsalCheck("true", Long), null, null, CancellationToken.None).Passed);
        Assert.Equal(nobody, FileStatus.TryRead(_bed.MarkerOf("n2"))!.Value.User);
    }

    [Fact]
    public void What_others_have_in_a_directory_of_the_users_is_neither_trusted_nor_deleted()
    {
        var scratch = Directory.CreateDirectory(_bed.Scratch("scratch")).FullName;
        var others = Directory.CreateDirectory(Path.Combine(scratch, "clusterfs-rehearsal.wiki", "restored.theirs")).FullName;

        Assert.True(DumpRehearsal.In(scratch, _bed.Archive, "n2").Run(_dump, null, null, null, CancellationToken.None).Passed);

        Assert.True(Directory.Exists(others));
        Assert.Single(Directory.EnumerateFileSystemEntries(scratch));
    }

    [SkippableFact]
    public void A_check_may_give_up_the_rights_of_root()
    {
        Skip.IfNot(Processes.IsRoot && Programs.IsInstalled("setpriv"), "only root has rights to give up, and setpriv does it (Debian: util-linux)");
        const uint nobody = 65534;
        FileAttribution.SetOwner(_bed.Live("n1"), nobody, nobody);
        FileAttribution.SetOwner(Path.Combine(_bed.Live("n1"), "page"), nobody, nobody);
        FileAttribution.SetMode(_bed.Live("n1"), 0b111_000_000);
        FileAttribution.SetMode(Path.Combine(_bed.Live("n1"), "page"), 0b110_000_000);
        Programs.Run("chmod", "755", _bed.Root);
        var dump = _bed.Dump("n1", 1);

        var report = OnN2.Run(
            dump,
            new RehearsalCheck("exec setpriv --reuid=65534 --regid=65534 --clear-groups grep content \"$CLUSTERFS_RESTORED/page\"", Long),
            null,
            null,
            CancellationToken.None);

        Assert.Null(report.Problem);
    }

    [Fact]
    public void In_a_directory_of_the_users_nothing_is_left_at_all()
    {
        var scratch = Directory.CreateDirectory(_bed.Scratch("scratch")).FullName;

        Assert.True(DumpRehearsal.In(scratch, _bed.Archive, "n2").Run(_dump, new RehearsalCheck("test -e page", Long), null, null, CancellationToken.None).Passed);

        Assert.Empty(Directory.EnumerateFileSystemEntries(scratch));
    }

    [Fact]
    public void What_is_remembered_is_of_this_service_and_whole()
    {
        OnN2.Run(_dump, null, null, null, CancellationToken.None);
        var file = Path.Combine(OnN2.Place, "history.json");
        Assert.Equal(RehearsalHistory.None, DumpRehearsal.Beside(_bed.Live("n2"), new ServiceArchive(_bed.Shared, "blog"), "n2").History());

        TestBed.FlipBit(file, 30);
        Assert.Equal(RehearsalHistory.None, OnN2.History());
    }

    private RehearsalCheck Endless => new($"echo $$ > {Child}; exec sleep 300", TimeSpan.FromMinutes(4));

    private static bool HasWritten(string file) => File.Exists(file) && File.ReadAllText(file).EndsWith('\n');

    /// <returns>The content that is left.</returns>
    private string CrashDuringCheck()
    {
        File.Delete(Child);
        using var child = new Child("rehearse", _bed.Shared, _bed.Live("n2"), Endless.Text);
        Await.That(() => HasWritten(Child), "the check runs");
        child.Kill();
        Assert.True(Await.IsAlive(File.ReadAllText(Child)));
        return Directory.EnumerateDirectories(OnN2.Place).Single();
    }

    private void AssertNothingRuns()
    {
        Await.That(() => !Await.IsAlive(File.ReadAllText(Child)), "the check has ended");
        Assert.Empty(Directory.EnumerateDirectories(OnN2.Place));
    }

    private sealed class Progress(Action<RestoreProgress> say) : IProgress<RestoreProgress>
    {
        public void Report(RestoreProgress value) => say(value);
    }
}
