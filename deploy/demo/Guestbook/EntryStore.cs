using Microsoft.Data.Sqlite;

namespace ClusterFs.Demo.Guestbook;

/// <summary>The entries, in a SQLite database in WAL mode whose every commit is synced. Safe for concurrent callers.</summary>
internal sealed class EntryStore : IDisposable
{
    private const int PageOfEntries = 5000;

    private readonly SqliteConnection _connection;
    private readonly Lock _turn = new();

    private EntryStore(SqliteConnection connection) => _connection = connection;

    public static EntryStore Open(string directory)
    {
        Directory.CreateDirectory(directory);
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder
        {
            DataSource = Path.Combine(directory, "guestbook.db"),
            // Closing must let go of the database, so that the write-ahead log is folded in at a clean stop.
            Pooling = false,
        }.ToString());
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = """
            PRAGMA busy_timeout = 5000;
            PRAGMA journal_mode = WAL;
            PRAGMA synchronous = FULL;
            CREATE TABLE IF NOT EXISTS entries (id INTEGER PRIMARY KEY AUTOINCREMENT, text TEXT NOT NULL);
            """;
        command.ExecuteNonQuery();
        return new EntryStore(connection);
    }

    /// <summary>Adds an entry; it is committed and synced when this returns its id.</summary>
    public long Add(string text)
    {
        lock (_turn)
        {
            using var insert = _connection.CreateCommand();
            insert.CommandText = "INSERT INTO entries (text) VALUES ($text)";
            insert.Parameters.AddWithValue("$text", text);
            // Not INSERT … RETURNING: that hands out the id before the commit, which may still fail.
            insert.ExecuteNonQuery();
            using var identity = _connection.CreateCommand();
            identity.CommandText = "SELECT last_insert_rowid()";
            return (long)identity.ExecuteScalar()!;
        }
    }

    /// <summary>The next entries after an id, oldest first; at most 5000 at a time.</summary>
    public List<Entry> After(long id)
    {
        lock (_turn)
        {
            using var command = _connection.CreateCommand();
            command.CommandText = "SELECT id, text FROM entries WHERE id > $id ORDER BY id LIMIT $limit";
            command.Parameters.AddWithValue("$id", id);
            command.Parameters.AddWithValue("$limit", PageOfEntries);
            using var reader = command.ExecuteReader();
            var entries = new List<Entry>();
            while (reader.Read())
            {
                entries.Add(new Entry(reader.GetInt64(0), reader.GetString(1)));
            }

            return entries;
        }
    }

    public void Dispose()
    {
        lock (_turn)
        {
            _connection.Dispose();
        }
    }
}
