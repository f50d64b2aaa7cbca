using Microsoft.Data.Sqlite;

namespace ClusterFs.Archive.Capture;

/// <summary>
/// Copies an SQLite database as of one moment while others write it. The source is opened for reading only, so neither its content nor its
/// log is touched. A writer in WAL mode is never blocked; one with a rollback journal waits for as long as the copy takes.
/// </summary>
internal static class SqliteBackup
{
    private const int BusyTimeoutSeconds = 30;

    /// <param name="target">Must not exist.</param>
    /// <exception cref="SqliteException">SQLite cannot read the source.</exception>
    public static void Copy(string source, string target)
    {
        using var from = Open(source, SqliteOpenMode.ReadOnly);

        // Holding a read transaction makes the busy timeout cover the wait for a writer; the copy itself then cannot be refused.
        using var transaction = from.BeginTransaction(deferred: true);
        Execute(from, "SELECT count(*) FROM sqlite_schema");
        CopyInto(from, target);
    }

    /// <summary>
    /// The same for a database whose writer is dead: what it left in log or journal is put in order in a copy, never in place.
    /// </summary>
    /// <param name="scratch">An empty directory, for this call alone.</param>
    public static void CopySettled(string source, string scratch, string target)
    {
        var copy = Path.Combine(scratch, "database");
        File.Copy(source, copy);
        foreach (var suffix in (string[])[SqliteFiles.Log, SqliteFiles.Journal])
        {
            if (File.Exists(source + suffix))
            {
                File.Copy(source + suffix, copy + suffix);
            }
        }

        using var from = Open(copy, SqliteOpenMode.ReadWrite);
        Execute(from, "SELECT count(*) FROM sqlite_schema");
        CopyInto(from, target);
    }

    private static void CopyInto(SqliteConnection from, string target)
    {
        using var to = Open(target, SqliteOpenMode.ReadWriteCreate);

        // The target is scratch: its content is synced where it ends up.
        Execute(to, "PRAGMA synchronous=OFF");
        Execute(to, "PRAGMA journal_mode=MEMORY");
        from.BackupDatabase(to);
    }

    private static SqliteConnection Open(string path, SqliteOpenMode mode)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder
        {
            DataSource = path,
            Mode = mode,

            // A pooled connection would keep locks and files open after the copy.
            Pooling = false,
            DefaultTimeout = BusyTimeoutSeconds,
        }.ToString());
        connection.Open();
        return connection;
    }

    private static void Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        _ = command.ExecuteScalar();
    }
}
