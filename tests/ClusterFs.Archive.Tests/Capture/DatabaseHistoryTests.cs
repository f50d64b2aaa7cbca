using ClusterFs.Archive.Capture;
using ClusterFs.Archive.Lineage;
using ClusterFs.Archive.Log;
using CsCheck;
using Microsoft.Data.Sqlite;

namespace ClusterFs.Archive.Tests.Capture;

/// <summary>
/// Databases that another process writes before and while they are dumped, in whatever way: every dump is a database that SQLite finds whole, as of one
/// commit between the beginning of the dump and its end. Nothing of what is under test judges it.
/// </summary>
public sealed class DatabaseHistoryTests(BtrfsDisk btrfs, XfsDisk xfs) : IClassFixture<BtrfsDisk>, IClassFixture<XfsDisk>
{
    private const int Rows = 2500;

    private static readonly Gen<string[]> Small = Gen.Select(Gen.Int[1, Rows - 1], Gen.Int[1, 900], Gen.Int[0, 5]).Select((row, amount, kind) => kind switch
    {
        0 => ["PRAGMA wal_checkpoint(PASSIVE)"],
        1 => ["PRAGMA wal_checkpoint(RESTART)"],
        2 => ["PRAGMA wal_checkpoint(TRUNCATE)"],
        _ => new[] { Counted($"UPDATE rows SET amount = amount + CASE id WHEN {row} THEN -{amount} ELSE {amount} END, body = randomblob(1000) WHERE id IN ({row}, {row + 1}) AND (SELECT count(*) FROM rows WHERE id IN ({row}, {row + 1})) = 2") },
    });

    private static readonly Gen<string[]> Large = Gen.Select(Gen.Int[0, 5], Gen.Int[1, 9]).Select((kind, part) => kind switch
    {
        0 => ["VACUUM"],
        1 => ["PRAGMA journal_mode=delete", "PRAGMA page_size=8192", "VACUUM", "PRAGMA journal_mode=wal"],
        2 => ["PRAGMA journal_mode=delete"],
        3 => ["PRAGMA journal_mode=wal"],
        4 => [Counted($"DELETE FROM rows WHERE amount = 0 AND id % 10 = {part}")],
        _ => new[] { Counted($"UPDATE rows SET body = randomblob(1000) WHERE id % 10 <> {part}") },
    });

    private static readonly Gen<(string[] Before, string[] During)[]> Histories = Gen.Select(
        Gen.OneOf(Small, Large).Array[0, 3], Small.Array[5, 40]).Select((before, during) => (before.SelectMany(one => one).ToArray(), during.SelectMany(one => one).ToArray())).Array[3, 5];

    [SkippableTheory]
    [InlineData("xfs", CaptureMode.Sqlite)]
    [InlineData("btrfs", CaptureMode.Sqlite)]
    [InlineData("btrfs", CaptureMode.Snapshot)]
    [InlineData("plain", CaptureMode.Sqlite)]
    public void Every_dump_is_a_whole_database_as_of_a_commit_while_it_was_taken(string disk, CaptureMode mode)
    {
        LoopDisk? on = disk switch { "xfs" => xfs, "btrfs" => btrfs, _ => null };
        Skip.If(on?.Missing is not null, on?.Missing);
        Histories.Sample(
            history =>
            {
                using var bed = new TestBed(on?.MountPoint);
                Directory.CreateDirectory(bed.Live("n1"));
                bed.TakeOver("n1", 1);
                var database = Path.Combine(bed.Live("n1"), "app.db");
                using var writer = new Child("sqlite-session", database);
                Do(
                    writer,
                    "PRAGMA journal_mode=wal",
                    "PRAGMA synchronous=NORMAL",
                    "CREATE TABLE rows (id INTEGER PRIMARY KEY, amount INTEGER, body BLOB)",
                    "CREATE TABLE counter (value INTEGER)",
                    "INSERT INTO counter VALUES (0)",
                    $"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {Rows}) INSERT INTO rows SELECT i, 0, randomblob(1000) FROM n");
                var dumped = 0L;
                foreach (var (before, during) in history)
                {
                    Do(writer, before);
                    var first = Ask(database, "SELECT value FROM counter");
                    var writing = Task.Run(() => Do(writer, during));
                    var dump = Dump(bed, mode);
                    writing.Wait();
                    var last = Ask(database, "SELECT value FROM counter");
                    if (dump is not null)
                    {
                        var restored = bed.Restored(dump);
                        var copy = Path.Combine(restored, "app.db");
                        Assert.Equal("ok", Ask(copy, "PRAGMA integrity_check"));
                        Assert.Equal(0L, Ask(copy, "SELECT sum(amount) FROM rows"));
                        dumped = (long)Ask(copy, "SELECT value FROM counter");
                        Directory.Delete(restored, recursive: true);
                    }

                    Assert.InRange(dumped, (long)first, (long)last);
                }
            },
            iter: 4,
            threads: 1);
    }

    /// <returns>Null when there was nothing new when it looked.</returns>
    private static DumpRecord? Dump(TestBed bed, CaptureMode mode)
    {
        using var content = LocalContent.Open(
            bed.Archive, bed.Live("n1"), "n1", new CaptureSettings(mode) { KeepsBlocks = true }, _ => { }, keptFrom: 1 << 20);
        return (content.Dump(1, CancellationToken.None) as DumpResult.Committed)?.Record;
    }

    private static string Counted(string sql) => $"BEGIN; {sql}; UPDATE counter SET value = value + 1; COMMIT";

    private static void Do(Child writer, params string[] statements)
    {
        foreach (var sql in statements)
        {
            writer.WriteLine(sql);
            Assert.Equal("done", writer.ReadLine());
        }
    }

    private static object Ask(string database, string sql)
    {
        using var connection = new SqliteConnection($"Data Source={database};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteScalar()!;
    }
}
