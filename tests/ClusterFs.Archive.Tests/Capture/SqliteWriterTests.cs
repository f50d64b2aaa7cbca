using ClusterFs.Archive.Capture;
using Microsoft.Data.Sqlite;

namespace ClusterFs.Archive.Tests.Capture;

/// <summary>Databases that another process writes while they are read: what is read is what SQLite itself reads.</summary>
public sealed class SqliteWriterTests : IDisposable
{
    private const int Rows = 4000;
    private const string Content = "SELECT group_concat(id || ':' || hex(substr(body, 1, 8))) FROM (SELECT * FROM rows ORDER BY id)";
    private readonly TestBed _bed = new();

    public void Dispose() => _bed.Dispose();

    [Theory]
    [InlineData("UPDATE rows SET body = randomblob(1000) WHERE id = abs(random()) % 4000")]
    [InlineData("PRAGMA wal_checkpoint(RESTART)")]
    [InlineData("PRAGMA wal_checkpoint(TRUNCATE)")]
    public void A_log_that_is_begun_anew_while_it_is_read_changes_nothing_of_what_is_read(string first)
    {
        var database = _bed.Scratch("app.db");
        using var writer = new Child("sqlite-session", database);
        Do(writer, "PRAGMA journal_mode=wal");
        Do(writer, "CREATE TABLE rows (id INTEGER PRIMARY KEY, body BLOB)");

        // More than a thousand pages: SQLite moves all of the log to the file, and begins it anew with the next commit that nobody's reading forbids.
        Do(writer, $"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {Rows}) INSERT INTO rows SELECT i, randomblob(1000) FROM n");
        var expected = Backup(database);
        var log = File.ReadAllBytes(database + "-wal")[..32];
        using var snapshot = SqliteSnapshot.Take(database, CancellationToken.None);
        Do(writer, first);
        for (var i = 0; i < 50; i++)
        {
            Do(writer, $"UPDATE rows SET body = randomblob(1000) WHERE id = {(i * 79) + 1}");
        }

        Assert.NotEqual(log, File.ReadAllBytes(database + "-wal")[..32]);
        var bytes = new byte[snapshot.Size];
        snapshot.Read(0, bytes);
        var read = _bed.Scratch("read.db");
        File.WriteAllBytes(read, bytes);
        Assert.Equal("ok", Ask(read, "PRAGMA integrity_check"));
        Assert.Equal(expected, Ask(read, Content));
    }

    private static void Do(Child writer, string sql)
    {
        writer.WriteLine(sql);
        Assert.Equal("done", writer.ReadLine());
    }

    /// <summary>What SQLite's own way to copy a database that is in use says is in it.</summary>
    private string Backup(string database)
    {
        var copy = _bed.Scratch("backup.db");
        using (var source = Open(database))
        using (var target = Open(copy))
        {
            source.BackupDatabase(target);
        }

        return Ask(copy, Content);
    }

    private static string Ask(string database, string sql)
    {
        using var connection = Open(database);
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return (string)command.ExecuteScalar()!;
    }

    private static SqliteConnection Open(string database)
    {
        var connection = new SqliteConnection($"Data Source={database};Pooling=False");
        connection.Open();
        return connection;
    }
}
