using ClusterFs.Archive.Capture;
using ClusterFs.Archive.Lineage;
using ClusterFs.Archive.Log;
using ClusterFs.Posix;
using Microsoft.Data.Sqlite;

namespace ClusterFs.Archive.Tests.Lineage;

/// <summary>
/// What another process does as soon as restored content is at the live path, and before this node has looked at it: the next dump has it, be it that the tree
/// was changed in place, or that another one took its place. And what nobody did, the next dump need not read.
/// </summary>
public sealed class LateWriterTests : IDisposable
{
    private readonly TestBed _bed = new();

    [Theory]
    [InlineData(true, false)]
    [InlineData(true, true)]
    [InlineData(false, false)]
    public void To_a_file_that_was_restored(bool inPlace, bool atOnce)
    {
        _bed.Write("n1", "page", "the old one");
        _bed.Write("n1", "same", "the same");
        var dump = DumpAfter(inPlace, () => _bed.Write("n1", "page", "the new one"), () => OverwriteAndKeepTime("page", "THE NEW ONE"), atOnce);

        Assert.Equal("THE NEW ONE", File.ReadAllText(Path.Combine(_bed.Restored(dump), "page")));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void To_a_file_that_was_right_already(bool inPlace)
    {
        _bed.Write("n1", "same", "the same");
        _bed.Write("n1", "page", "old");
        var dump = DumpAfter(inPlace, () => _bed.Write("n1", "page", "new"), () => File.WriteAllText(In("same"), "THE SAME"));

        Assert.Equal("THE SAME", File.ReadAllText(Path.Combine(_bed.Restored(dump), "same")));
    }

    /// <summary>By its time of change it is its deletion from the tree that was there before.</summary>
    [Fact]
    public void To_files_that_were_right_already_right_after_the_old_tree_is_gone()
    {
        _bed.Write("n1", "same", "the same");
        _bed.Write("n1", "mode", "the same too");
        _bed.Write("n1", "page", "old");
        Restore(
            inPlace: false,
            () => _bed.Write("n1", "page", "new"),
            () =>
            {
                File.WriteAllText(In("same"), "THE SAME");
                FileAttribution.SetMode(In("mode"), 0x100);
            },
            "cleaned up");

        var restored = _bed.Restored(_bed.Dump("n3", 2));
        Assert.Equal("THE SAME", File.ReadAllText(Path.Combine(restored, "same")));
        Assert.Equal(0x100u, FileStatus.TryRead(Path.Combine(restored, "mode"))!.Value.Mode);
    }

    /// <summary>Another tree is looked at whole: what is missing is told of by its name, at the end too, and the next dump has it no more.</summary>
    [Theory]
    [InlineData("page", "zzz")]
    [InlineData("zzz", "page")]
    public void Who_takes_a_file_away(string gone, string left)
    {
        _bed.Write("n1", "page", "old");
        _bed.Write("n1", "zzz", "the last");
        void Restore() => this.Restore(inPlace: false, () => _bed.Write("n1", "page", "new"), () => File.Delete(In(gone)));

        Assert.StartsWith($"{gone} in ", Assert.Throws<LocalContentException>(Restore).Message, StringComparison.Ordinal);

        _bed.TakeOver("n3", 2);
        Assert.Equal(left, Path.GetFileName(Assert.Single(Directory.EnumerateFiles(_bed.Restored(_bed.Dump("n3", 2))))));
    }

    /// <summary>The clock of the file system stands still from when the tree is what it is to be: a late writer would bear the same time.</summary>
    [Theory]
    [InlineData(true, "begun", "moved back")]
    [InlineData(false, "restored", "exchanged")]
    public void Who_comes_within_the_same_tick_comes_too_early(bool inPlace, string from, string to)
    {
        const int looks = 4;
        var dump = DumpAheadOfCopy();
        var (standing, handedOver) = (0, false);
        var (stands, last) = (0L, 0L);
        void AtPoint(string reached)
        {
            if (reached == from)
            {
                (standing, stands) = (looks, FileSystemClock.StampProbe(_bed.Root));
            }
            else if (reached == to)
            {
                Assert.Equal(0, standing);
                Assert.True(last > stands);
                handedOver = true;
            }
        }

        RestoreByClock(dump, inPlace, AtPoint, directory => last = standing > 0 && standing-- > 0 ? stands : FileSystemClock.StampProbe(directory));

        Assert.True(handedOver);
    }

    /// <summary>What others change then may bear any time.</summary>
    [Fact]
    public void While_the_clock_is_behind_nothing_counts_for_this_process_s()
    {
        var dump = DumpAheadOfCopy();
        const long hour = 3_600_000_000_000;
        var isBehind = false;
        RestoreByClock(dump, inPlace: true, point => isBehind |= point == "opened", directory => FileSystemClock.StampProbe(directory) - (isBehind ? hour : 0));

        var row = Assert.Single(LocalIndex.TryOpen(Path.Combine(_bed.MarkerOf("n3"), "index"))!.Read());
        Assert.Equal(("page", true, false), (row.Entry.Path, isBehind, row.Settled));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void To_a_file_that_was_right_already_and_gets_back_its_time(bool inPlace)
    {
        _bed.Write("n1", "same", "the same");
        _bed.Write("n1", "page", "old");
        var dump = DumpAfter(inPlace, () => _bed.Write("n1", "page", "new"), () => OverwriteAndKeepTime("same", "THE SAME"));

        Assert.Equal("THE SAME", File.ReadAllText(Path.Combine(_bed.Restored(dump), "same")));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void To_the_mode_of_a_file_that_was_right_already(bool inPlace)
    {
        _bed.Write("n1", "same", "the same");
        _bed.Write("n1", "page", "old");
        var dump = DumpAfter(inPlace, () => _bed.Write("n1", "page", "new"), () => FileAttribution.SetMode(In("same"), 0x100));

        Assert.Equal(0x100u, FileStatus.TryRead(Path.Combine(_bed.Restored(dump), "same"))!.Value.Mode);
    }

    /// <summary>Another tree is looked at whole, and a log that nobody restored is told of.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void To_the_log_of_a_database_that_was_not_touched(bool inPlace)
    {
        _bed.Write("n1", "page", "old");
        using (var connection = Open("n1"))
        {
            Execute(connection, "CREATE TABLE rows (body TEXT)");
        }

        SqliteConnection? other = null;
        try
        {
            void Insert()
            {
                other = Open("n3");
                Execute(other, "PRAGMA wal_autocheckpoint=0; INSERT INTO rows VALUES ('late')");
            }

            void Restore() => this.Restore(inPlace, () => _bed.Write("n1", "page", "new"), Insert);
            if (inPlace)
            {
                Restore();
            }
            else
            {
                Assert.Contains("Does another process write there?", Assert.Throws<LocalContentException>(Restore).Message, StringComparison.Ordinal);
                _bed.TakeOver("n3", 2);
            }

            var dump = _bed.Dump("n3", 2);
            using var restored = new SqliteConnection($"Data Source={Path.Combine(_bed.Restored(dump), "app.db")};Pooling=False");
            restored.Open();
            using var count = restored.CreateCommand();
            count.CommandText = "SELECT count(*) FROM rows";
            Assert.Equal(1L, count.ExecuteScalar());
        }
        finally
        {
            other?.Dispose();
        }
    }

    /// <summary>Of a tree that took another's place: what is new there, what both have, and what differs in its mode alone.</summary>
    [Fact]
    public void What_nobody_came_to_is_known_by_its_identity()
    {
        _bed.Write("n1", "same", "the same");
        _bed.Write("n1", "deep/same", "the same too");
        _bed.Write("n1", "mode", "only the mode changes");
        _bed.Write("n1", "page", "old");
        Assert.True(Durable.TryLink(Path.Combine(_bed.Live("n1"), "deep/same"), Path.Combine(_bed.Live("n1"), "two names")));
        File.CreateSymbolicLink(Path.Combine(_bed.Live("n1"), "link"), "page");
        Restore(
            inPlace: false,
            () =>
            {
                _bed.Write("n1", "page", "the new one");
                _bed.Write("n1", "new", "new");
                FileAttribution.SetMode(Path.Combine(_bed.Live("n1"), "mode"), 0x124);
            },
            () => { });

        var rows = LocalIndex.TryOpen(Path.Combine(_bed.MarkerOf("n3"), "index"))!.Read().ToDictionary(row => row.Entry.Path);
        Assert.All((string[])["same", "deep", "deep/same", "two names", "link", "mode", "page", "new"], path => Assert.Equal(
            (true, FileIdentity.Of(FileStatus.TryRead(In(path))!.Value)), (rows[path].Settled, rows[path].Identity)));
    }

    public void Dispose() => _bed.Dispose();

    private string In(string path) => Path.Combine(_bed.Live("n3"), path);

    private void OverwriteAndKeepTime(string path, string text)
    {
        var modified = FileStatus.TryRead(In(path))!.Value.ModifiedNs;
        File.WriteAllText(In(path), text);
        FileAttribution.SetModified(In(path), modified);
    }

    private SqliteConnection Open(string node)
    {
        var connection = new SqliteConnection($"Data Source={Path.Combine(_bed.Live(node), "app.db")};Pooling=False");
        connection.Open();
        Execute(connection, "PRAGMA journal_mode=WAL");
        return connection;
    }

    private static void Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    /// <returns>A dump of one page, of which n3 has the one before.</returns>
    private DumpRecord DumpAheadOfCopy()
    {
        _bed.Write("n1", "page", "old");
        _bed.TakeOver("n1", 1);
        var old = _bed.Dump("n1", 1);
        _bed.Write("n1", "page", "new");
        var dump = _bed.Dump("n1", 1);
        _bed.On("n3", content => content.RestoreOver(old, null, CancellationToken.None));
        return dump;
    }

    private void RestoreByClock(DumpRecord dump, bool inPlace, Action<string> atPoint, Func<string, long> stamp)
    {
        using var content = LocalContent.Open(
            _bed.Archive,
            _bed.Live("n3"),
            "n3",
            new CaptureSettings(CaptureMode.Auto) { LongestWrite = TimeSpan.Zero },
            atPoint,
            limitsOf: inPlace ? TestBed.AlwaysInPlace : TestBed.NeverInPlace,
            stamp: stamp);
        content.RestoreOver(dump, null, CancellationToken.None);
    }

    /// <param name="change">What the dump that is taken over has, and the node has not.</param>
    /// <param name="late">What another process does there, a tick before the node looks at its files.</param>
    /// <param name="atOnce">Right before, instead.</param>
    private DumpRecord DumpAfter(bool inPlace, Action change, Action late, bool atOnce = false)
    {
        Restore(inPlace, change, late, atOnce: atOnce);
        return _bed.Dump("n3", 2);
    }

    private void Restore(bool inPlace, Action change, Action late, string point = "opened", bool atOnce = false)
    {
        _bed.TakeOver("n1", 1);
        var old = _bed.Dump("n1", 1);
        change();
        _bed.Dump("n1", 1);
        _bed.On("n3", content => content.RestoreOver(old, null, CancellationToken.None));
        var tree = FileStatus.TryRead(_bed.Live("n3"))!.Value.Inode;
        var isLate = false;
        _bed.On(
            "n3",
            content => content.TakeOver(2, null, CancellationToken.None),
            reached =>
            {
                if (reached == point && !isLate)
                {
                    isLate = true;
                    late();
                    if (!atOnce)
                    {
                        new FileSystemClock(_bed.Root).WaitUntilSettled(CancellationToken.None);
                    }
                }
            },
            limitsOf: inPlace ? TestBed.AlwaysInPlace : TestBed.NeverInPlace);
        Assert.Equal((true, inPlace), (isLate, tree == FileStatus.TryRead(_bed.Live("n3"))!.Value.Inode));
    }
}
