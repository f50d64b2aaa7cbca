using ClusterFs.Archive.Capture;
using ClusterFs.Archive.Lineage;
using ClusterFs.Archive.Log;
using CsCheck;
using Microsoft.Data.Sqlite;

namespace ClusterFs.Archive.Tests.Capture;

/// <summary>
/// Whatever a writer in WAL mode commits, checkpoints, leaves open or leaves behind when it is killed: a dump is, byte for byte, the file that
/// a checkpoint at that moment would have left, and comes back as that into an empty place and over any other state of the database.
/// </summary>
public sealed class SqliteHistoryTests
{
    private const string Name = "app.db";
    private static readonly int[] PageSizes = [512, 1024, 4096, 32768, 65536];

    private enum Kind
    {
        Insert,
        Update,
        Delete,
        Vacuum,
        Checkpoint,
        CheckpointAndTruncate,

        /// <summary>A transaction that has written to the log and is open while the dump is taken.</summary>
        Open,

        /// <summary>The writer dies with an open transaction; another one begins where it was.</summary>
        Kill,
    }

    private sealed record Step(Kind Kind, int Rows, int Modulus, bool Dumps);

    [Fact]
    public void Every_dump_is_what_a_checkpoint_would_have_left()
    {
        var steps = Gen.Select(Gen.Enum<Kind>(), Gen.Int[1, 1500], Gen.Int[2, 60], Gen.Bool, (kind, rows, modulus, dumps) => new Step(kind, rows, modulus, dumps));
        var pageSizes = Gen.Int[0, PageSizes.Length - 1].Select(i => PageSizes[i]);
        Gen.Select(pageSizes, Gen.Bool.Select(often => often ? 30 : 0), steps.Array[3, 10]).Sample(
            (pageSize, autoCheckpoint, history) =>
            {
                using var bed = new TestBed();
                Directory.CreateDirectory(bed.Live("n1"));
                bed.TakeOver("n1", 1);
                var dumps = Play(bed, pageSize, autoCheckpoint, [new Step(Kind.Insert, 1000, 2, true), .. history, new Step(Kind.Update, 1, 7, true)]);
                foreach (var (dump, digest) in dumps)
                {
                    var to = bed.Scratch($"out{dump.Slot}");
                    bed.Archive.RestoreTo(dump.Content, to, null, CancellationToken.None);
                    RequireDatabase(to, digest);
                }

                foreach (var node in (string[])["n1", "n3"])
                {
                    foreach (var (dump, digest) in dumps.AsEnumerable().Reverse())
                    {
                        bed.On(node, content => content.RestoreOver(dump, null, CancellationToken.None));
                        RequireDatabase(bed.Live(node), digest);
                        Stray(bed.Live(node), (int)dump.Slot);
                    }
                }
            },
            iter: 15,
            threads: 1);
    }

    private static List<(DumpRecord Dump, string Digest)> Play(TestBed bed, int pageSize, int autoCheckpoint, Step[] history)
    {
        var database = Path.Combine(bed.Live("n1"), Name);
        var dumps = new List<(DumpRecord Dump, string Digest)>();
        var writer = Session(database, pageSize, autoCheckpoint);
        try
        {
            Do(writer, "CREATE TABLE entries (id INTEGER PRIMARY KEY, body BLOB NOT NULL)");
            foreach (var step in history)
            {
                Do(writer, Sql(step));
                if (step.Kind == Kind.Kill)
                {
                    writer.Kill();
                }

                if (step.Dumps || step.Kind is Kind.Open)
                {
                    Dump(bed, dumps);
                }

                if (step.Kind == Kind.Kill)
                {
                    writer.Dispose();
                    writer = Session(database, pageSize, autoCheckpoint);
                }
                else if (step.Kind == Kind.Open)
                {
                    Do(writer, step.Rows % 2 == 0 ? "COMMIT" : "ROLLBACK");
                }
            }
        }
        finally
        {
            writer.Dispose();
        }

        return dumps;
    }

    private static void Dump(TestBed bed, List<(DumpRecord Dump, string Digest)> dumps)
    {
        var expected = Checkpointed(bed);
        switch (bed.On("n1", content => content.Dump(1, CancellationToken.None), mode: CaptureMode.Sqlite))
        {
            case DumpResult.Committed committed:
                dumps.Add((committed.Record, expected));
                break;
            case DumpResult.Unchanged:
                Assert.Equal(dumps[^1].Digest, expected);
                break;
            case var other:
                Assert.Fail($"{other}");
                break;
        }
    }

    private static string Sql(Step step) => step.Kind switch
    {
        Kind.Insert => Insert(step.Rows),
        Kind.Update => $"UPDATE entries SET body = randomblob(length(body)) WHERE id % {step.Modulus} = 1",
        Kind.Delete => $"DELETE FROM entries WHERE id % {step.Modulus} = 0",
        Kind.Vacuum => "VACUUM",
        Kind.Checkpoint => "PRAGMA wal_checkpoint(PASSIVE)",
        Kind.CheckpointAndTruncate => "PRAGMA wal_checkpoint(TRUNCATE)",
        _ => $"BEGIN; {Insert(step.Rows)}",
    };

    private static string Insert(int rows) =>
        $"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows}) INSERT INTO entries (body) SELECT randomblob(900 + i % 400) FROM n";

    /// <summary>A writer whose cache is so small that a transaction reaches the log before it is committed.</summary>
    private static Child Session(string database, int pageSize, int autoCheckpoint)
    {
        var writer = new Child("sqlite-session", database);
        Do(writer, $"PRAGMA page_size={pageSize}; PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint={autoCheckpoint}; PRAGMA cache_size=10");
        return writer;
    }

    private static void Do(Child writer, string sql)
    {
        writer.WriteLine(sql);
        Assert.Equal("done", writer.ReadLine());
    }

    /// <summary>What somebody else's writer makes of a copy, and leaves in its log.</summary>
    private static void Stray(string live, int seed)
    {
        using var writer = Session(Path.Combine(live, Name), 4096, 0);
        Do(writer, $"UPDATE entries SET body = x'00' WHERE id % {2 + (seed % 5)} = 0");
        if (seed % 2 == 0)
        {
            Do(writer, "PRAGMA wal_checkpoint(PASSIVE)");
            Do(writer, Insert(10));
        }

        writer.Kill();
    }

    /// <summary>The digest of a copy of database and log, taken while nobody writes, after SQLite's own recovery and checkpoint.</summary>
    private static string Checkpointed(TestBed bed)
    {
        var directory = Directory.CreateDirectory(bed.Scratch($"checkpointed{Guid.NewGuid():N}")).FullName;
        foreach (var file in (string[])[Name, $"{Name}-wal"])
        {
            if (File.Exists(Path.Combine(bed.Live("n1"), file)))
            {
                File.Copy(Path.Combine(bed.Live("n1"), file), Path.Combine(directory, file));
            }
        }

        Assert.Equal("ok", Ask(Path.Combine(directory, Name), "PRAGMA wal_checkpoint(TRUNCATE); PRAGMA integrity_check"));
        return TestBed.DigestOf(Path.Combine(directory, Name));
    }

    private static void RequireDatabase(string directory, string digest)
    {
        Assert.Equal([Name], Directory.GetFileSystemEntries(directory).Select(Path.GetFileName));
        Assert.Equal(digest, TestBed.DigestOf(Path.Combine(directory, Name)));
    }

    private static string Ask(string database, string sql)
    {
        using var connection = new SqliteConnection($"Data Source={database};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        using var reader = command.ExecuteReader();
        string? answer;
        do
        {
            answer = reader.Read() ? $"{reader.GetValue(0)}" : null;
        }
        while (reader.NextResult());
        return answer ?? string.Empty;
    }
}
