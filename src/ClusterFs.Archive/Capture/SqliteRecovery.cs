using Microsoft.Data.Sqlite;

namespace ClusterFs.Archive.Capture;

/// <summary>
/// Databases whose writer is dead: what it left in log or journal only a writer may put in order. That is done in a copy, never in place.
/// </summary>
internal static class SqliteRecovery
{
    /// <param name="scratch">An empty directory, for this call alone.</param>
    /// <returns>The copy, in order.</returns>
    /// <exception cref="SqliteException">SQLite cannot read the database.</exception>
    public static string Copy(string source, string scratch)
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

        using var connection = new SqliteConnection(new SqliteConnectionStringBuilder
        {
            DataSource = copy,
            Mode = SqliteOpenMode.ReadWrite,
            Pooling = false,
        }.ToString());
        connection.Open();
        Execute(connection, "SELECT count(*) FROM sqlite_schema");
        Execute(connection, "PRAGMA wal_checkpoint(TRUNCATE)");
        return copy;
    }

    private static void Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        _ = command.ExecuteScalar();
    }
}
