using System.Globalization;
using ClusterFs.Content.Logs.Links;
using ClusterFs.Posix;

namespace ClusterFs.Content.Tests.Logs.Links;

public sealed class LogLinkTests : IDisposable
{
    private readonly LinkBed _bed = new();

    public void Dispose() => _bed.Dispose();

    [Fact]
    public void A_link_is_made_where_there_is_nothing_and_stays()
    {
        Assert.False(_bed.Settle());
        Assert.Equal(_bed.Target, new FileInfo(_bed.Link).LinkTarget);
        File.WriteAllText(Path.Combine(_bed.Link, "a.log"), "one\n");
        Assert.False(_bed.Settle());
        Assert.Equal(["one"], File.ReadAllLines(Path.Combine(_bed.Target, "a.log")));
        Assert.Empty(_bed.LeftBeside());
    }

    [SkippableFact]
    public void A_directory_with_logs_becomes_a_link_and_all_that_was_in_it_is_moved_as_it_was()
    {
        Skip.IfNot(Processes.IsRoot, "needs root, to give files away");
        Directory.CreateDirectory(Path.Combine(_bed.Link, "sub"));
        var log = Path.Combine(_bed.Link, "a.log");
        File.WriteAllText(log, "a\n");
        FileAttribution.SetOwner(log, 1234, 2345);
        FileAttribution.SetMode(log, Convert.ToUInt32("640", 8));
        FileAttribution.SetModified(log, 1_700_000_000_123_456_789);
        File.WriteAllText(Path.Combine(_bed.Link, "sub", "b.log.1"), "b\n");
        File.CreateSymbolicLink(Path.Combine(_bed.Link, "newest"), "a.log");
        FileAttribution.SetOwner(_bed.Link, 1234, 4);
        FileAttribution.SetMode(_bed.Link, Convert.ToUInt32("2770", 8));

        Assert.True(_bed.Settle());
        Assert.Equal(_bed.Target, new FileInfo(_bed.Link).LinkTarget);
        Assert.Equal(new DirectoryOwner(1234, 4, Convert.ToUInt32("2770", 8)), DirectoryOwner.Of(_bed.Target));
        File.WriteAllText(log, "new\n");
        Assert.True(Assert.Single(_bed.Move()).IsDone);

        var moved = Assert.Single(Directory.EnumerateDirectories(Path.GetDirectoryName(_bed.Target)!, "wiki@*"));
        Assert.Equal(new DirectoryOwner(1234, 4, Convert.ToUInt32("2770", 8)), DirectoryOwner.Of(moved));
        var status = FileStatus.TryRead(Path.Combine(moved, "a.log"))!.Value;
        Assert.Equal((1234u, 2345u, Convert.ToUInt32("640", 8), 1_700_000_000_123_456_789), (status.User, status.Group, status.Mode, status.ModifiedNs));
        Assert.Equal("a\n", File.ReadAllText(Path.Combine(moved, "newest")));
        Assert.Equal("b\n", File.ReadAllText(Path.Combine(moved, "sub", "b.log.1")));
        Assert.Equal(["a", "new"], _bed.OnShared("a.log"));
        Assert.Empty(_bed.LeftBeside());
    }

    [Fact]
    public void What_is_not_ours_is_refused_and_left_alone()
    {
        Directory.CreateDirectory(Path.Combine(_bed.Root, "elsewhere"));
        File.CreateSymbolicLink(_bed.Link, Path.Combine(_bed.Root, "elsewhere"));
        var refused = Assert.Throws<IOException>(() => _bed.Settle());
        Assert.Contains("is a link to", refused.Message, StringComparison.Ordinal);
        Assert.Equal(Path.Combine(_bed.Root, "elsewhere"), new FileInfo(_bed.Link).LinkTarget);
        File.Delete(_bed.Link);
        File.WriteAllText(_bed.Link, "a file");
        Assert.Throws<IOException>(() => _bed.Settle());
        Assert.Equal("a file", File.ReadAllText(_bed.Link));
    }

    [Theory]
    [InlineData("nowhere/log")]
    [InlineData("file/log")]
    public void A_place_that_cannot_be_written_is_one_clear_error_and_nothing_is_made(string place)
    {
        var link = place.StartsWith("file", StringComparison.Ordinal) ? Path.Combine(_bed.Root, place) : Path.Combine("/proc", place);
        File.WriteAllText(Path.Combine(_bed.Root, "file"), "a file");
        var refused = Assert.ThrowsAny<IOException>(() => new LogLink(link, _bed.Target, TimeProvider.System, _ => { }).Settle(toShared: true, DirectoryOwner.OfThisProcess));
        Assert.Contains(Path.GetDirectoryName(link)!, refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refused.Message);
        Assert.Equal("a file", File.ReadAllText(Path.Combine(_bed.Root, "file")));
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.GetDirectoryName(_bed.Link)!));
    }

    [Fact]
    public void While_shared_storage_is_away_logs_go_to_the_spool_and_are_moved_later()
    {
        Assert.False(_bed.Settle());
        File.AppendAllText(Path.Combine(_bed.Link, "a.log"), "1 shared\n");
        Assert.True(_bed.Settle(isThere: false));
        File.AppendAllText(Path.Combine(_bed.Link, "a.log"), "2 spooled\n");
        Assert.False(_bed.Settle(isThere: false));
        Assert.Equal(["1 shared"], _bed.OnShared("a.log"));

        Assert.True(_bed.Settle());
        File.AppendAllText(Path.Combine(_bed.Link, "a.log"), "3 shared\n");
        Assert.True(Assert.Single(_bed.Move()).IsDone);
        Assert.Equal(["1 shared", "2 spooled", "3 shared"], _bed.OnShared("a.log"));
        Assert.Equal(["1 shared", "3 shared"], File.ReadAllLines(Path.Combine(_bed.Target, "a.log")));
        Assert.Empty(_bed.LeftBeside());
    }

    [SkippableFact]
    public void What_a_program_writes_that_never_opens_its_log_again_is_moved_too()
    {
        Skip.IfNot(Processes.IsRoot, "needs root, to be told whether files are open");
        Directory.CreateDirectory(_bed.Link);
        using (var service = _bed.Open("a.log"))
        {
            service.WriteLine("1 before");
            _bed.Settle();
            service.WriteLine("2 after");
            var outcome = Assert.Single(_bed.Move());
            Assert.Equal((false, 1, null), (outcome.IsDone, outcome.StillOpen, outcome.Problem));
            Assert.Equal(["1 before", "2 after"], _bed.OnShared("a.log"));

            service.WriteLine("3 later");
            _bed.Move();
            Assert.Equal(["1 before", "2 after", "3 later"], _bed.OnShared("a.log"));
            service.WriteLine("4 last");
        }

        _bed.MaySettle = false;
        Assert.False(Assert.Single(_bed.Move()).IsDone);
        _bed.MaySettle = true;
        Assert.True(Assert.Single(_bed.Move()).IsDone);
        Assert.Equal(["1 before", "2 after", "3 later", "4 last"], _bed.OnShared("a.log"));
        Assert.Empty(_bed.LeftBeside());
    }

    [Fact]
    public void A_log_that_its_writer_cuts_off_is_a_new_one_and_what_was_copied_stays()
    {
        Directory.CreateDirectory(_bed.Link);
        using var service = _bed.Open("a.log");
        service.WriteLine("1 before it was cut off");
        _bed.Settle();
        _bed.Move();
        service.BaseStream.SetLength(0);
        service.WriteLine("2 after");
        _bed.Move();
        service.WriteLine("3 later");
        _bed.Move();
        Assert.Equal(["1 before it was cut off", "2 after", "3 later"], _bed.OnShared("a.log"));
    }

    [SkippableFact]
    public void A_copy_that_is_not_what_was_written_is_made_again_before_anything_is_deleted()
    {
        Skip.IfNot(Processes.IsRoot, "needs root, to be told whether files are open");
        Directory.CreateDirectory(_bed.Link);
        File.WriteAllText(Path.Combine(_bed.Link, "a.log"), "right\n");
        _bed.Settle();
        _bed.MaySettle = false;
        _bed.Move();
        var copy = Assert.Single(Directory.EnumerateFiles(Path.GetDirectoryName(_bed.Target)!, "a.log", SearchOption.AllDirectories));
        File.WriteAllText(copy, "wrong\n");
        _bed.MaySettle = true;
        Assert.Contains("does not hold what was written to it from byte 0 on", Assert.Single(_bed.Move()).Problem, StringComparison.Ordinal);
        Assert.True(Assert.Single(_bed.Move()).IsDone);
        Assert.Equal(["right"], _bed.OnShared("a.log"));
    }

    /// <summary>A link that somebody puts into a directory of logs must not have this process, which is root, read or write elsewhere.</summary>
    [Fact]
    public void Links_among_the_logs_are_not_followed()
    {
        var secret = Path.Combine(_bed.Root, "secret");
        Directory.CreateDirectory(secret);
        File.WriteAllText(Path.Combine(secret, "key"), "secret\n");
        Directory.CreateDirectory(_bed.Link);
        File.CreateSymbolicLink(Path.Combine(_bed.Link, "out"), secret);
        File.CreateSymbolicLink(Path.Combine(_bed.Link, "key.log"), Path.Combine(secret, "key"));
        _bed.Settle();
        Assert.True(Assert.Single(_bed.Move()).IsDone);
        var moved = Assert.Single(Directory.EnumerateDirectories(Path.GetDirectoryName(_bed.Target)!, "wiki@*"));
        Assert.Equal(secret, new FileInfo(Path.Combine(moved, "out")).LinkTarget);
        Assert.Equal(Path.Combine(secret, "key"), new FileInfo(Path.Combine(moved, "key.log")).LinkTarget);
    }

    /// <summary>The service's user owns what was set aside: a directory that becomes a link, under a walk that is under way, leads root nowhere.</summary>
    [SkippableFact]
    public void A_directory_that_is_swapped_for_a_link_in_the_middle_leads_nowhere()
    {
        Skip.IfNot(Processes.IsRoot, "needs root, to be told whether files are open");
        var victim = Path.Combine(_bed.Root, "victim");
        Directory.CreateDirectory(victim);
        File.WriteAllText(Path.Combine(victim, "a.log"), "not a log\n");
        File.SetUnixFileMode(victim, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        foreach (var point in new[] { "directory made", "named", "written", "noted", "verified" })
        {
            foreach (var isCopy in new[] { false, true })
            {
                using var bed = new LinkBed();
                Directory.CreateDirectory(Path.Combine(bed.Link, "sub"));
                File.WriteAllText(Path.Combine(bed.Link, "sub", "a.log"), "log\n");
                bed.Settle();
                var reached = 0;
                bed.AtPoint = at =>
                {
                    // The top comes first.
                    if (at == point && ++reached == (point == "directory made" ? 2 : 1))
                    {
                        var side = isCopy
                            ? Assert.Single(Directory.EnumerateDirectories(Path.GetDirectoryName(bed.Target)!, "wiki@*"))
                            : Assert.Single(new LogLink(bed.Link, bed.Target, TimeProvider.System, _ => { }).Waiting);
                        Directory.Move(Path.Combine(side, "sub"), Path.Combine(bed.Root, "sub"));
                        File.CreateSymbolicLink(Path.Combine(side, "sub"), victim);
                    }
                };
                bed.Move();
                Assert.True(reached > 0);
                Assert.Equal([Path.Combine(victim, "a.log")], Directory.EnumerateFileSystemEntries(victim));
                Assert.Equal("not a log\n", File.ReadAllText(Path.Combine(victim, "a.log")));
                Assert.Equal(new DirectoryOwner(0, 0, Convert.ToUInt32("700", 8)), DirectoryOwner.Of(victim));
            }
        }
    }

    [SkippableFact]
    public void A_file_that_cannot_be_deleted_keeps_no_other_here_and_is_read_back_once()
    {
        Skip.IfNot(Processes.IsRoot, "needs root, to be told whether files are open");
        var sub = Path.Combine(_bed.Link, "a");
        Directory.CreateDirectory(sub);
        File.WriteAllText(Path.Combine(sub, "a.log"), "a\n");
        File.WriteAllText(Path.Combine(_bed.Link, "b.log"), "b\n");
        _bed.Settle();
        var waiting = Assert.Single(new LogLink(_bed.Link, _bed.Target, TimeProvider.System, _ => { }).Waiting);

        // A mount is busy.
        var held = Path.Combine(waiting, "a", "a.log");
        Run("mount", "--bind", held, held);
        try
        {
            var outcome = Assert.Single(_bed.Move());
            Assert.False(outcome.IsDone);
            Assert.Contains($"{held} stays where it is for now: ", outcome.Problem, StringComparison.Ordinal);
            Assert.Equal(["b"], _bed.OnShared("b.log"));
            Assert.False(File.Exists(Path.Combine(waiting, "b.log")));
        }
        finally
        {
            Run("umount", held);
        }

        Assert.True(Assert.Single(_bed.Move()).IsDone);
        Assert.Equal(["a"], _bed.OnShared("a.log"));
    }

    /// <summary>Moving logs away needs a little space, to note how far they were copied.</summary>
    [SkippableFact]
    public void A_full_disk_is_emptied()
    {
        Skip.IfNot(Processes.IsRoot, "needs root, to mount a small file system");
        var disk = Path.GetDirectoryName(_bed.Link)!;
        Run("mount", "-t", "tmpfs", "-o", "size=1m", "logs", disk);
        try
        {
            _bed.Settle(isThere: false);
            var local = Path.Combine(disk, ".wiki.clusterfs");
            SpaceReserve.Keep(local);
            using (var full = File.Create(Path.Combine(_bed.Link, "a.log"), bufferSize: 0))
            {
                Action fill = () => Fill(full);
                Assert.ThrowsAny<IOException>(fill);
            }

            var written = new FileInfo(Path.Combine(_bed.Link, "a.log")).Length;
            SpaceReserve.Use(local, () => _bed.Settle());
            Assert.True(Assert.Single(_bed.Move()).IsDone);
            Assert.False(File.Exists(Path.Combine(local, SpaceReserve.Name)));
            var moved = Assert.Single(Directory.EnumerateFiles(Path.GetDirectoryName(_bed.Target)!, "a.log", SearchOption.AllDirectories));
            Assert.Equal(written, new FileInfo(moved).Length);
        }
        finally
        {
            Run("umount", disk);
        }
    }

    [Fact]
    public void A_name_that_is_not_text_is_said()
    {
        Directory.CreateDirectory(_bed.Link);
        Run("sh", "-c", "touch \"$0/c$(printf '\\377')\"", _bed.Link);
        _bed.Settle();
        var outcome = Assert.Single(_bed.Move());
        Assert.False(outcome.IsDone);
        Assert.EndsWith("/c\\xff has a name that is not UTF-8, and stays where it is: rename it", outcome.Problem, StringComparison.Ordinal);

        // Nor can .NET delete it.
        Run("rm", "-r", Path.Combine(Path.GetDirectoryName(_bed.Link)!, ".wiki.clusterfs"));
    }

    /// <summary>Network file systems know no flags of a rename, as no kernel knows this one.</summary>
    [Fact]
    public void A_name_is_taken_where_no_flags_are_known_too()
    {
        const uint unknown = 0x4000_0000;
        var (one, other) = (Path.Combine(_bed.Root, "one"), Path.Combine(_bed.Root, "other"));
        Directory.CreateDirectory(one);
        Directory.CreateDirectory(other);
        Assert.False(Durable.TryRenameToFree(one, other, unknown));
        Directory.Delete(other);
        Assert.True(Durable.TryRenameToFree(one, other, unknown));
        Assert.True(Directory.Exists(other));
    }

    [Fact]
    public void That_the_service_is_to_open_its_logs_anew_is_remembered_until_it_has()
    {
        _bed.Settle();
        var place = new LogLink(_bed.Link, _bed.Target, TimeProvider.System, _ => { });
        Assert.False(place.IsReopenDue);
        _bed.AtPoint = point => _ = point == "linked" ? throw new CrashException(point) : 0;
        Assert.Throws<CrashException>(() => _bed.Settle(isThere: false));
        Assert.True(place.IsReopenDue);
        place.Reopened();
        Assert.False(place.IsReopenDue);
    }

    private static void Fill(FileStream file)
    {
        while (file.Length < 16 * 1024 * 1024)
        {
            file.Write(new byte[4096]);
        }
    }

    private static void Run(string program, params string[] arguments)
    {
        using var process = System.Diagnostics.Process.Start(program, arguments);
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
    }

    /// <summary>
    /// A crash at every point there is, one after another, with a program that holds its log open and one that opens it anew for each line: in the
    /// end every line is on shared storage, once.
    /// </summary>
    [SkippableTheory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_crash_at_any_point_loses_and_doubles_nothing(bool startsWithDirectory)
    {
        Skip.IfNot(Processes.IsRoot, "needs root, to be told whether files are open");
        var points = new HashSet<string>(StringComparer.Ordinal);
        for (var crashAt = 1; ; crashAt++)
        {
            using var bed = new LinkBed();
            var crashed = Story(bed, startsWithDirectory, crashAt, points);
            if (!crashed)
            {
                Assert.InRange(crashAt, 12, 1000);
                break;
            }
        }

        Assert.Superset(
            new HashSet<string>(["prepared", "linked", "set aside", "directory made", "named", "written", "noted", "verified", "deleted", "directory moved"]), points);
    }

    private static bool Story(LinkBed bed, bool startsWithDirectory, int crashAt, HashSet<string> points)
    {
        var reached = 0;
        var crashed = false;
        bed.AtPoint = point =>
        {
            points.Add(point);
            if (++reached == crashAt)
            {
                crashed = true;
                throw new CrashException(point);
            }
        };
        var written = new List<string>();
        var line = 0;
        if (startsWithDirectory)
        {
            Directory.CreateDirectory(bed.Link);
            File.WriteAllText(Path.Combine(bed.Link, "old.log.1"), "old\n");
        }
        else
        {
            UntilDone(() => bed.Settle());
        }

        using (var holder = bed.Open("held.log"))
        {
            Write(holder);
            Step(() => bed.Settle(isThere: startsWithDirectory));
            Step(() => bed.Settle(isThere: false));
            Step(() => bed.Settle());
            Step(() => bed.Move());
            Step(() => bed.Move());

            void Step(Action action)
            {
                UntilDone(action);
                Write(holder);
            }
        }

        UntilDone(() => bed.Settle());
        // A process that another test starts has this one's files open between its fork and its exec: what is open then stays until the next time.
        SpinWait.SpinUntil(
            () =>
            {
                UntilDone(() => bed.Move());
                return bed.LeftBeside().Length == 0;
            },
            TimeSpan.FromSeconds(10));
        Assert.Equal(written.Order(StringComparer.Ordinal), bed.OnShared("held.log"));
        Assert.Equal(written.Skip(1).Order(StringComparer.Ordinal), bed.OnShared("opened.log"));
        Assert.Equal(startsWithDirectory ? ["old"] : [], bed.OnShared("old.log"));
        Assert.Empty(bed.LeftBeside());
        return crashed;

        void UntilDone(Action action)
        {
            var couldWrite = Directory.Exists(bed.Link);
            for (var done = false; !done;)
            {
                try
                {
                    action();
                    done = true;
                }
                catch (CrashException)
                {
                    // What was under way is tried again, by a daemon that knows nothing of it. Whatever the link is now, logs can be written.
                    Assert.True(Directory.Exists(bed.Link) || !couldWrite);
                }
            }
        }

        void Write(StreamWriter holder)
        {
            var text = (++line).ToString("0000", CultureInfo.InvariantCulture);
            holder.WriteLine(text);
            if (line > 1)
            {
                File.AppendAllText(Path.Combine(bed.Link, "opened.log"), text + "\n");
            }

            written.Add(text);
        }
    }

    private sealed class CrashException(string point) : Exception(point);
}
