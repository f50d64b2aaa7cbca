using ClusterFs.Archive.Capture;
using Microsoft.Data.Sqlite;
using static ClusterFs.Archive.Tests.Capture.KeptBed;

namespace ClusterFs.Archive.Tests.Capture;

/// <summary>Dumps of databases that find what has changed by where it lies, and by what the log has.</summary>
public sealed class KeptDatabaseTests(BtrfsDisk btrfs, XfsDisk xfs) : KeptDisks(btrfs, xfs)
{
    [SkippableTheory]
    [InlineData("xfs", "wal")]
    [InlineData("btrfs", "wal")]
    [InlineData("xfs", "delete")]
    [InlineData("plain", "wal")]
    public void A_database_is_dumped_as_SQLite_reads_it_whatever_was_in_its_log(string disk, string journal)
    {
        var bed = NewBed(disk);
        using var connection = new SqliteConnection($"Data Source={Path.Combine(bed.Live("n1"), "app.db")};Pooling=False");
        connection.Open();
        Execute(connection, $"PRAGMA journal_mode={journal}; PRAGMA wal_autocheckpoint=0; PRAGMA synchronous=NORMAL; CREATE TABLE rows (id INTEGER PRIMARY KEY, body BLOB)");
        Execute(connection, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000) INSERT INTO rows SELECT i, randomblob(1000) FROM n");
        Execute(connection, "PRAGMA wal_checkpoint(TRUNCATE)");
        var random = new Random(1);
        var takenOver = 0L;
        for (var i = 0; i < 25; i++)
        {
            for (var change = random.Next(4); change >= 0; change--)
            {
                Execute(connection, $"UPDATE rows SET body = randomblob(1000) WHERE id = {random.Next(4000) + 1}");
            }

            if (random.Next(3) == 0)
            {
                Execute(connection, random.Next(3) switch
                {
                    0 => "PRAGMA wal_checkpoint(TRUNCATE)",
                    1 => "PRAGMA wal_checkpoint(PASSIVE)",
                    _ => $"DELETE FROM rows WHERE id > {4100 - random.Next(200)}; INSERT INTO rows VALUES ({4200 + i}, randomblob(30000))",
                });
            }

            takenOver += DumpOnly(bed, CaptureMode.Sqlite, out var dump).Sum(one => one.Bytes);
            var backup = bed.Scratch($"backup{i}.db");
            using (var target = new SqliteConnection($"Data Source={backup};Pooling=False"))
            {
                connection.BackupDatabase(target);
            }

            // SQLite's backup is the same page by page, but for counters in the first.
            var restored = bed.Restored(dump!);
            Assert.True(
                File.ReadAllBytes(backup).AsSpan(Page).SequenceEqual(File.ReadAllBytes(Path.Combine(restored, "app.db")).AsSpan(Page)),
                $"dump {i} is not what SQLite reads");
            Directory.Delete(restored, recursive: true);
        }

        Assert.True(takenOver > (disk == "plain" ? 8L : 25L) << 20, $"only {takenOver} bytes were taken over unread");
    }

    [SkippableTheory]
    [InlineData("xfs")]
    [InlineData("plain")]
    public void A_log_that_is_lost_takes_along_what_the_dump_before_had_from_it(string disk)
    {
        var bed = NewBed(disk);
        var database = Path.Combine(bed.Live("n1"), "app.db");
        using (var connection = new SqliteConnection($"Data Source={database};Pooling=False"))
        {
            connection.Open();
            Execute(connection, "PRAGMA journal_mode=wal; CREATE TABLE rows (id INTEGER PRIMARY KEY, body BLOB)");
            Execute(connection, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000) INSERT INTO rows SELECT i, randomblob(1000) FROM n");
        }

        new FileSystemClock(bed.Root).WaitUntilSettled(CancellationToken.None);
        var before = File.ReadAllBytes(database);
        using (var writer = new Child("sqlite-session", database))
        {
            writer.WriteLine("PRAGMA wal_autocheckpoint=0");
            _ = writer.ReadLine();
            writer.WriteLine("UPDATE rows SET body = randomblob(1000) WHERE id IN (10, 2000)");
            _ = writer.ReadLine();
            _ = DumpOnly(bed, CaptureMode.Sqlite, out var withLog);
            Assert.False(before.AsSpan().SequenceEqual(File.ReadAllBytes(Path.Combine(bed.Restored(withLog!), "app.db"))));
            writer.Kill();
        }

        File.Delete(database + "-wal");
        File.Delete(database + "-shm");
        using var reader = new Child("sqlite-session", database);
        reader.WriteLine("UPDATE rows SET body = body WHERE id < 0");
        _ = reader.ReadLine();
        Assert.Equal(before, File.ReadAllBytes(database));
        var takenOver = DumpOnly(bed, CaptureMode.Sqlite, out var without).Sum(one => one.Bytes);
        Assert.Equal(before, File.ReadAllBytes(Path.Combine(bed.Restored(without!), "app.db")));
        Assert.InRange(takenOver, before.Length / 2, before.Length - Page);
    }
}
