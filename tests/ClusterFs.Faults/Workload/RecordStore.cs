using System.Globalization;
using System.Text;
using Microsoft.Data.Sqlite;

namespace ClusterFs.Faults.Workload;

/// <summary>
/// The live content of the workload: every record stands in a SQLite database in WAL mode and in a file that is appended to, because
/// the archive captures the two in different ways. A record is synced in both when <see cref="Add"/> returns.
/// </summary>
internal sealed class RecordStore : IDisposable
{
    public const string DatabaseName = "records.db";
    public const string FileName = "records.log";
    private const string BallastName = "ballast";
    private const int Block = 1 << 20;

    private readonly SqliteConnection _connection;
    private readonly SqliteCommand _insert;
    private readonly FileStream _file;

    private RecordStore(SqliteConnection connection, SqliteCommand insert, FileStream file)
    {
        _connection = connection;
        _insert = insert;
        _file = file;
    }

    public static RecordStore Open(string directory)
    {
        Directory.CreateDirectory(directory);
        var connection = new SqliteConnection(
            new SqliteConnectionStringBuilder { DataSource = Path.Combine(directory, DatabaseName), Pooling = false }.ToString());
        connection.Open();
        using var setup = connection.CreateCommand();
        setup.CommandText = """
            PRAGMA busy_timeout = 5000;
            PRAGMA journal_mode = WAL;
            PRAGMA synchronous = FULL;
            CREATE TABLE IF NOT EXISTS records (id INTEGER PRIMARY KEY AUTOINCREMENT, run TEXT NOT NULL, number INTEGER NOT NULL);
            """;
        setup.ExecuteNonQuery();
        var insert = connection.CreateCommand();
        insert.CommandText = "INSERT INTO records (run, number) VALUES ($run, $number)";
        insert.Parameters.Add("$run", SqliteType.Text);
        insert.Parameters.Add("$number", SqliteType.Integer);
        return new RecordStore(connection, insert, OpenFile(Path.Combine(directory, FileName)));
    }

    /// <summary>Fills a file of so many bytes that do not compress, unless it is there already.</summary>
    public static void AddBallast(string directory, long bytes)
    {
        var file = new FileInfo(Path.Combine(directory, BallastName));
        if (bytes == 0 || (file.Exists && file.Length == bytes))
        {
            return;
        }

        using var stream = file.Create();
        var block = new byte[Block];
        for (var written = 0L; written < bytes; written += Block)
        {
            Random.Shared.NextBytes(block);
            stream.Write(block.AsSpan(0, (int)Math.Min(Block, bytes - written)));
        }

        stream.Flush(flushToDisk: true);
    }

    /// <summary>The record that was added last, in the database.</summary>
    public Record? Last()
    {
        using var last = _connection.CreateCommand();
        last.CommandText = "SELECT run, number FROM records ORDER BY id DESC LIMIT 1";
        using var reader = last.ExecuteReader();
        return reader.Read() ? new Record(reader.GetString(0), reader.GetInt64(1)) : null;
    }

    public void Add(Record record)
    {
        _file.Write(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{record.Run} {record.Number}\n")));
        _file.Flush(flushToDisk: true);
        _insert.Parameters[0].Value = record.Run;
        _insert.Parameters[1].Value = record.Number;
        _insert.ExecuteNonQuery();
    }

    public void Dispose()
    {
        _file.Dispose();
        _insert.Dispose();
        _connection.Dispose();
    }

    /// <summary>Ends a line that a power cut left open, so that it spoils no other.</summary>
    private static FileStream OpenFile(string path)
    {
        var file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite, bufferSize: 0);
        if (file.Length > 0)
        {
            file.Seek(-1, SeekOrigin.End);
            if (file.ReadByte() != '\n')
            {
                file.WriteByte((byte)'\n');
            }
        }

        file.Seek(0, SeekOrigin.End);
        return file;
    }
}
