using System.Globalization;
using ClusterFs.Archive.Capture;
using ClusterFs.Archive.Lineage;
using ClusterFs.Archive.Log;
using Microsoft.Data.Sqlite;

namespace ClusterFs.Archive.Tests.Capture;

public sealed class SqliteCaptureTests : IDisposable
{
    private readonly TestBed _bed = new();

    [Theory]
    [InlineData("WAL")]
    [InlineData("DELETE")]
    [InlineData("TRUNCATE")]
    public void A_dump_taken_while_a_writer_commits_holds_exactly_a_prefix_of_its_commits(string journalMode)
    {
        _bed.TakeOver("n1", 1);
        using var writer = new Child("sqlite-writer", Database("n1"), journalMode);
        var committed = ReadRow(writer);
        using var content = _bed.Open("n1");
        for (var i = 0; i < 8; i++)
        {
            var dump = Assert.IsType<DumpResult.Committed>(content.Dump(1, CancellationToken.None));
            var rows = RowsOf(dump.Record, $"restored{i}");

            Assert.True(rows >= committed, $"{committed} rows were committed before the dump, {rows} are in it");
            committed = rows;
            while (ReadRow(writer) < committed + 20)
            {
            }

            Assert.Contains("1 SQLite database: as of one moment", dump.Guarantee, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("WAL")]
    [InlineData("DELETE")]
    public void What_a_killed_writer_committed_is_in_the_next_dump(string journalMode)
    {
        _bed.TakeOver("n1", 1);
        using (var writer = new Child("sqlite-writer", Database("n1"), journalMode))
        {
            while (ReadRow(writer) < 100)
            {
            }

            writer.Kill();
            var last = writer.ReadRest().Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(Parse).Append(100).Max();
            var dump = _bed.Dump("n1", 1);
            Assert.InRange(RowsOf(dump, "restored"), last, last + 1);
        }
    }

    [Fact]
    public void Several_databases_and_other_files_are_told_apart()
    {
        Execute(Create("a.db"), "CREATE TABLE t (x)");
        Execute(Create("sub/b.sqlite"), "PRAGMA journal_mode=WAL; CREATE TABLE t (x)");
        _bed.Write("n1", "notes-wal", "a file that only sounds like a log");
        _bed.TakeOver("n1", 1);
        var dump = _bed.Dump("n1", 1);
        Assert.Equal(
            "2 SQLite databases: each as of one moment, by SQLite's locking; 1 other file: copied one by one, not of one moment",
            dump.Content.Guarantee);
        Assert.Equal(["a.db", "notes-wal", "sub", "sub/b.sqlite"], _bed.Archive.ReadEntries(dump.Content).Select(entry => entry.Path));
    }

    [Fact]
    public void The_capture_changes_neither_database_nor_log()
    {
        _bed.TakeOver("n1", 1);
        using var writer = new Child("sqlite-writer", Database("n1"), "WAL");
        while (ReadRow(writer) < 120)
        {
        }

        writer.Kill();
        var before = (File.ReadAllBytes(Database("n1")), File.ReadAllBytes(Database("n1") + "-wal"));
        _bed.Dump("n1", 1);
        Assert.Equal(before.Item1, File.ReadAllBytes(Database("n1")));
        Assert.Equal(before.Item2, File.ReadAllBytes(Database("n1") + "-wal"));
    }

    [Fact]
    public void A_database_at_rest_makes_no_second_dump()
    {
        Execute(Create("a.db"), "PRAGMA journal_mode=WAL; CREATE TABLE t (x); INSERT INTO t VALUES (1)");
        _bed.TakeOver("n1", 1);
        _bed.Dump("n1", 1);
        var size = _bed.PackBytes();
        using var content = _bed.Open("n1");
        Assert.IsType<DumpResult.Unchanged>(content.Dump(1, CancellationToken.None));
        Assert.IsType<DumpResult.Unchanged>(content.Dump(1, CancellationToken.None));
        Assert.Equal(size, _bed.PackBytes());
    }

    [Fact]
    public void A_database_that_fails_over_holds_what_was_dumped_and_the_rest_is_divergent()
    {
        _bed.TakeOver("n1", 1);
        using var writer = new Child("sqlite-writer", Database("n1"), "WAL");
        ReadRow(writer);
        var dump = _bed.Dump("n1", 1);
        var dumped = RowsOf(dump, "dumped");
        long last;
        while ((last = ReadRow(writer)) < dumped + 50)
        {
        }

        writer.Kill();
        _bed.TakeOver("n2", 2);
        var kept = _bed.On("n1", content => content.KeepDivergent("test", CancellationToken.None));

        Assert.Equal(dumped, Rows(Database("n2")));
        _bed.Archive.RestoreTo(kept!.Content, _bed.Scratch("kept"), null, CancellationToken.None);
        Assert.True(Rows(Path.Combine(_bed.Scratch("kept"), "app.db")) >= last);
    }

    [Fact]
    public void A_killed_writer_whose_last_commit_was_dumped_leaves_nothing_divergent()
    {
        _bed.TakeOver("n1", 1);
        using var writer = new Child("sqlite-writer", Database("n1"), "WAL");
        while (ReadRow(writer) < 70)
        {
        }

        writer.Kill();
        _bed.Dump("n1", 1);
        _bed.TakeOver("n2", 2);
        File.Delete(Path.Combine(_bed.Root, "n1", ".live.clusterfs", "index"));
        Assert.Null(_bed.On("n1", content => content.KeepDivergent("test", CancellationToken.None)));
    }

    /// <summary>The dump holds the database as SQLite puts it in order; the file on the disk is not that.</summary>
    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public void A_file_left_in_the_middle_of_a_transaction_is_not_taken_for_what_was_dumped_of_it(bool follows, bool changes)
    {
        LeaveHalfWritten();
        _bed.TakeOver("n1", 1);
        new FileSystemClock(_bed.Root).WaitUntilSettled(CancellationToken.None);
        _bed.Dump("n1", 1);
        _bed.TakeOver("n2", 2);
        Assert.Equal("2000", Query(Database("n2"), "SELECT count(*) FROM entries WHERE x IS NOT NULL"));
        Assert.NotEqual(TestBed.DigestOf(Database("n1")), TestBed.DigestOf(Database("n2")));
        if (changes)
        {
            Execute(Database("n2"), "UPDATE entries SET x = zeroblob(1000) WHERE id = 7");
        }

        _bed.Write("n2", "page", "new");
        _bed.Dump("n2", 2);
        if (follows)
        {
            _bed.Follow("n1");
        }

        _bed.TakeOver("n1", 3);

        Assert.False(File.Exists(Database("n1") + "-journal"));
        Assert.Equal(TestBed.DigestOf(Database("n2")), TestBed.DigestOf(Database("n1")));
    }

    [Fact]
    public void A_log_that_came_after_a_dump_of_the_files_as_they_lay_is_neither_thrown_away_nor_started_on()
    {
        var log = CreateWithLog();
        _bed.On("n1", content => content.TakeOver(1, null, CancellationToken.None), mode: CaptureMode.Copy);
        Assert.IsType<DumpResult.Committed>(_bed.On("n1", content => content.Dump(1, CancellationToken.None), mode: CaptureMode.Copy));
        File.WriteAllBytes(Database("n1") + "-wal", log);
        _bed.TakeOver("n2", 2);

        var ready = _bed.TakeOver("n1", 3);

        Assert.Equal(ContentBasis.Restored, ready.Basis);
        Assert.Equal("1", Query(Database("n1"), "SELECT count(*) FROM entries"));
        _bed.Archive.RestoreTo(ready.Kept!.Content, _bed.Scratch("kept"), null, CancellationToken.None);
        Assert.Equal("2", Query(Path.Combine(_bed.Scratch("kept"), "app.db"), "SELECT count(*) FROM entries"));
    }

    [Fact]
    public void A_file_that_only_begins_like_a_database_is_copied_unless_sqlite_was_demanded()
    {
        _bed.Write("n1", "fake.db", "SQLite format 3\0 but no more than that");
        _bed.TakeOver("n1", 1);
        Assert.Throws<LocalContentException>(
            () => _bed.On("n1", content => content.Dump(1, CancellationToken.None), mode: CaptureMode.Sqlite));
        Assert.Contains("1 file: copied", _bed.Dump("n1", 1).Content.Guarantee, StringComparison.Ordinal);
    }

    [Fact]
    public void Risk_counts_the_log_of_a_database()
    {
        _bed.TakeOver("n1", 1);
        using var writer = new Child("sqlite-writer", Database("n1"), "WAL");
        ReadRow(writer);
        using var content = _bed.Open("n1");
        content.Dump(1, CancellationToken.None);
        ReadRow(writer);
        while (!content.AtRisk().Changed)
        {
            ReadRow(writer);
        }

        Assert.True(content.AtRisk().Bytes > 0);
    }

    public void Dispose() => _bed.Dispose();

    private static long ReadRow(Child writer) => Parse(writer.ReadLine() ?? throw new InvalidOperationException("the writer died"));

    private static long Parse(string row) => long.Parse(row, CultureInfo.InvariantCulture);

    private static void Execute(string database, string sql)
    {
        using var connection = new SqliteConnection($"Data Source={database};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    private static string Query(string database, string sql)
    {
        using var connection = new SqliteConnection($"Data Source={database};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return $"{command.ExecuteScalar()}";
    }

    private static long Rows(string database)
    {
        Assert.Equal("ok", Query(database, "PRAGMA integrity_check"));
        var rows = Parse(Query(database, "SELECT count(*) FROM entries"));
        Assert.Equal($"{rows}", Query(database, "SELECT coalesce(max(id), 0) FROM entries"));
        return rows;
    }

    private long RowsOf(DumpRecord dump, string name)
    {
        _bed.Archive.RestoreTo(dump.Content, _bed.Scratch(name), null, CancellationToken.None);
        return Rows(Path.Combine(_bed.Scratch(name), "app.db"));
    }

    private string Database(string node) => Path.Combine(_bed.Live(node), "app.db");

    /// <summary>Makes a database whose writer died when half of a transaction was in the file.</summary>
    private void LeaveHalfWritten()
    {
        var file = Create("app.db");
        var source = _bed.Scratch("writing.db");
        using var writer = new SqliteConnection($"Data Source={source};Pooling=False");
        writer.Open();
        Run("PRAGMA journal_mode=DELETE");
        Run("PRAGMA cache_size=10");
        Run("CREATE TABLE entries (id INTEGER PRIMARY KEY, x)");
        Run("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) INSERT INTO entries SELECT i, randomblob(1000) FROM n");
        Run("BEGIN");
        Run("UPDATE entries SET x = NULL");
        File.Copy(source, file);
        File.Copy(source + "-journal", file + "-journal");
        Run("ROLLBACK");

        void Run(string sql)
        {
            using var command = writer.CreateCommand();
            command.CommandText = sql;
            command.ExecuteNonQuery();
        }
    }

    /// <summary>Makes a database with one row.</summary>
    /// <returns>A log that adds another.</returns>
    private byte[] CreateWithLog()
    {
        var file = Create("app.db");
        var source = _bed.Scratch("writing.db");
        Execute(source, "PRAGMA journal_mode=WAL; CREATE TABLE entries (id INTEGER PRIMARY KEY); INSERT INTO entries VALUES (1)");
        File.Copy(source, file);
        using var writer = new SqliteConnection($"Data Source={source};Pooling=False");
        writer.Open();
        using var command = writer.CreateCommand();
        command.CommandText = "INSERT INTO entries VALUES (2)";
        command.ExecuteNonQuery();
        return File.ReadAllBytes(source + "-wal");
    }

    private string Create(string name)
    {
        var file = Path.Combine(_bed.Live("n1"), name);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        return file;
    }
}
