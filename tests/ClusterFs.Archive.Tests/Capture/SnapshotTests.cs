using System.Globalization;
using ClusterFs.Archive.Capture;
using ClusterFs.Archive.Lineage;
using ClusterFs.Posix;
using Microsoft.Data.Sqlite;

namespace ClusterFs.Archive.Tests.Capture;

public sealed class SnapshotTests(BtrfsDisk disk) : IClassFixture<BtrfsDisk>, IDisposable
{
    private static readonly CaptureSettings Snapshot = new(CaptureMode.Snapshot);
    private TestBed? _made;

    private TestBed Bed => _made ??= NewBed(disk.MountPoint);

    private string Page => Path.Combine(Bed.Live("n1"), "page");

    private IEnumerable<string> Scratch => Directory.EnumerateFileSystemEntries(Path.Combine(Bed.MarkerOf("n1"), "scratch"));

    public void Dispose() => _made?.Dispose();

    [SkippableFact]
    public void A_dump_is_of_the_moment_of_the_snapshot_whatever_changes_while_it_is_read()
    {
        Require();
        var dump = Bed.Dump("n1", Snapshot, point => Change(point, "later"));

        Assert.Equal("content", File.ReadAllText(Path.Combine(Bed.Restored(dump.Record), "page")));
        Assert.Equal("1 file: all as of one moment, by a btrfs snapshot: what a power cut would leave", dump.Guarantee);
        Assert.Empty(Scratch);
        Assert.Equal("later", File.ReadAllText(Path.Combine(Bed.Restored(Bed.Dump("n1", Snapshot).Record), "page")));
    }

    [SkippableFact]
    public void A_change_right_after_the_snapshot_is_seen_though_size_and_tick_are_the_same()
    {
        Require();
        var now = "none";
        using var content = Bed.Open("n1", Snapshot, point => Change(point, now));
        for (var i = 0; i < 20; i++)
        {
            File.WriteAllText(Page, $"{i:D4}");
            now = $"{i + 5000:D4}";
            Assert.IsType<DumpResult.Committed>(content.Dump(1, CancellationToken.None));
            var after = now;
            now = "none";
            var dump = Assert.IsType<DumpResult.Committed>(content.Dump(1, CancellationToken.None)).Record;
            Assert.Equal(after, File.ReadAllText(Path.Combine(Bed.Restored(dump), "page")));
        }
    }

    [SkippableFact]
    public void What_has_not_changed_is_neither_read_nor_snapshotted_again()
    {
        Require();
        new FileSystemClock(Bed.Root).WaitUntilSettled(CancellationToken.None);
        var prepared = 0;
        using var content = Bed.Open("n1", Snapshot, point => prepared += point == "prepared" ? 1 : 0);
        content.Dump(1, CancellationToken.None);

        Assert.IsType<DumpResult.Unchanged>(content.Dump(1, CancellationToken.None));

        Assert.Equal(1, prepared);
        Assert.False(content.AtRisk().Changed);
    }

    [SkippableFact]
    public void Auto_takes_a_snapshot_and_hooks_let_the_service_go_as_soon_as_there_is_one()
    {
        Require();
        Assert.Contains("by a btrfs snapshot", Bed.Dump("n1", new CaptureSettings(CaptureMode.Auto)).Guarantee, StringComparison.Ordinal);
        var calls = Bed.Scratch("calls");
        var atReading = string.Empty;

        var dump = Bed.Dump(
            "n1",
            new CaptureSettings(CaptureMode.Hooks)
            {
                Hooks = new CaptureHooks(
                    "printf still > page", $"printf going > page; echo resumed > {calls}", TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(30)),
            },
            point => atReading = point == "prepared" ? File.ReadAllText(calls) : atReading);

        Assert.Equal("resumed\n", atReading);
        Assert.Equal("still", File.ReadAllText(Path.Combine(Bed.Restored(dump.Record), "page")));
        Assert.Equal("1 file: all as of one moment, by a btrfs snapshot made while the service stood still, by its quiesce hook", dump.Guarantee);
        Assert.Empty(Scratch);
    }

    [SkippableFact]
    public void What_cannot_be_in_a_snapshot_is_named_and_auto_goes_on_without_one()
    {
        Require();
        var live = Bed.Live("n1");
        Directory.CreateDirectory(Path.Combine(live, "deep"));
        Btrfs.CreateSubvolume(Path.Combine(live, "deep/own"));
        File.WriteAllText(Path.Combine(live, "deep/own/file"), "in the subvolume");
        var mount = Directory.CreateDirectory(Path.Combine(live, "a mount")).FullName;
        Programs.Run("mount", "-t", "tmpfs", "none", mount);
        try
        {
            using (var content = Bed.Open("n1", Snapshot))
            {
                var error = Assert.Throws<LocalContentException>(() => content.Dump(1, CancellationToken.None));
                Assert.Contains($"{live}/deep/own, {mount}.", error.Message, StringComparison.Ordinal);
                Assert.Empty(Scratch);
            }

            var dump = Bed.Dump("n1", new CaptureSettings(CaptureMode.Auto));
            Assert.StartsWith("2 files: copied one by one, not of one moment; no snapshot was taken: ", dump.Guarantee, StringComparison.Ordinal);
            Assert.Contains("deep/own/file", Bed.Archive.ReadEntries(dump.Record.Content).Select(entry => entry.Path));
        }
        finally
        {
            Programs.Run("umount", mount);
            Btrfs.Delete(Path.Combine(live, "deep/own"));
        }
    }

    [SkippableFact]
    public void A_subvolume_beside_the_live_directory_is_none_of_its_business()
    {
        Require();
        Btrfs.CreateSubvolume(Path.Combine(Bed.Root, "n1", "beside"));
        try
        {
            Assert.Contains("by a btrfs snapshot", Bed.Dump("n1", Snapshot).Guarantee, StringComparison.Ordinal);
        }
        finally
        {
            Btrfs.Delete(Path.Combine(Bed.Root, "n1", "beside"));
        }
    }

    [SkippableFact]
    public void The_live_directory_may_lie_in_any_subvolume()
    {
        Require();
        var subvolume = Path.Combine(disk.MountPoint, $"own.{Guid.NewGuid():N}");
        Btrfs.CreateSubvolume(subvolume);
        try
        {
            using var bed = NewBed(subvolume);
            Assert.Contains("by a btrfs snapshot", bed.Dump("n1", Snapshot).Guarantee, StringComparison.Ordinal);
        }
        finally
        {
            Btrfs.Delete(subvolume);
        }
    }

    [SkippableFact]
    public void A_snapshot_that_a_crash_left_is_deleted_by_whoever_opens_the_content_next()
    {
        Require();
        using (var child = new Child("dump-snapshot", Bed.Shared, Bed.Live("n1"), "prepared"))
        {
            Assert.Equal(137, child.Wait());
        }

        Assert.True(Btrfs.IsSubvolume(Assert.Single(Scratch)));
        using var content = Bed.Open("n1");
        Assert.Empty(Scratch);
    }

    [SkippableFact]
    public void Without_the_right_to_delete_snapshots_none_is_made_and_the_error_says_what_to_do()
    {
        Require();
        Skip.IfNot(Programs.IsInstalled("setpriv"), "setpriv is not installed (Debian: apt-get install util-linux)");
        using var child = Child.Without("sys_admin", "dump-snapshot", Bed.Shared, Bed.Live("n1"), "nowhere");

        Assert.Equal(
            "capture = snapshot is not possible: this user may not delete snapshots: run the daemon with CAP_SYS_ADMIN, or mount the file system with "
            + "user_subvol_rm_allowed.",
            child.ReadLine());
        Assert.Equal(1, child.Wait());
        Assert.Empty(Scratch);
    }

    [SkippableFact]
    public void Elsewhere_than_on_btrfs_the_error_says_so()
    {
        using var bed = NewBed(null);
        Skip.If(Btrfs.IsOn(bed.Root), "temporary files are on btrfs");
        using (var content = bed.Open("n1", Snapshot))
        {
            var error = Assert.Throws<LocalContentException>(() => content.Dump(1, CancellationToken.None));
            Assert.Equal($"capture = snapshot is not possible: {bed.Live("n1")} is not on btrfs.", error.Message);
        }

        Assert.Equal("1 file: as they lay there, with no writer running", bed.Dump("n1", Snapshot, ended: true).Guarantee);
    }

    [SkippableTheory]
    [InlineData("WAL")]
    [InlineData("DELETE")]
    public void A_database_under_its_writer_is_in_a_snapshot_with_all_that_was_committed_before(string journalMode)
    {
        Require();
        using var writer = new Child("sqlite-writer", Path.Combine(Bed.Live("n1"), "data.db"), journalMode);
        var committed = 0L;
        using var content = Bed.Open("n1", new CaptureSettings(CaptureMode.Auto));
        for (var i = 0; i < 4; i++)
        {
            for (var target = committed + 40; committed < target;)
            {
                committed = long.Parse(writer.ReadLine()!, CultureInfo.InvariantCulture);
            }

            var dump = Assert.IsType<DumpResult.Committed>(content.Dump(1, CancellationToken.None)).Record;
            using var connection = new SqliteConnection($"Data Source={Path.Combine(Bed.Restored(dump), "data.db")};Pooling=False");
            connection.Open();
            Assert.Equal("ok", Ask(connection, "PRAGMA integrity_check"));
            var rows = (long)Ask(connection, "SELECT count(*) FROM entries")!;
            Assert.Equal(rows, Ask(connection, "SELECT max(id) FROM entries"));
            Assert.True(rows >= committed, $"{committed} rows were committed before the dump, {rows} are in it");
        }
    }

    [SkippableFact]
    public void A_log_of_a_database_that_came_after_the_snapshot_is_not_in_the_line()
    {
        Require();
        Bed.Write("n1", "app.db", "SQLite format 3\0 and what follows");
        Assert.Contains("by a btrfs snapshot", Bed.Dump("n1", new CaptureSettings(CaptureMode.Auto)).Guarantee, StringComparison.Ordinal);
        Bed.Write("n1", "app.db-wal", "committed later");
        Bed.TakeOver("n2", 2);

        var kept = Bed.On("n1", content => content.KeepDivergent("test", CancellationToken.None));

        Assert.Contains("app.db-wal", Bed.Archive.ReadEntries(kept!.Content).Select(entry => entry.Path));
    }

    private static object? Ask(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteScalar();
    }

    private static TestBed NewBed(string? parent)
    {
        var bed = new TestBed(parent);
        bed.Write("n1", "page", "content");
        bed.TakeOver("n1", 1);
        return bed;
    }

    private void Change(string point, string text)
    {
        if (point == "prepared" && text != "none")
        {
            File.WriteAllText(Page, text);
        }
    }

    private void Require() => Skip.If(disk.Missing is not null, disk.Missing);
}
