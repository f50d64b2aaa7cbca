using ClusterFs.Configuration;
using ClusterFs.Demo;
using ClusterFs.Guard.SqlVoting;
using Microsoft.Data.Sqlite;

namespace ClusterFs.Guard.Tests.SqlVoting;

/// <summary>A database of its own with the voter's table in it.</summary>
internal sealed class ScratchDatabase : IAsyncDisposable
{
    // Not private to this user: PostgreSQL runs as one of its own.
    private readonly string _directory =
        Directory.CreateDirectory(Path.Combine(Path.GetTempPath(), $"clusterfs-sqlvoter-{Guid.NewGuid():N}")).FullName;

    private PrivatePostgres? _server;

    private ScratchDatabase()
    {
    }

    public JournalSettings Journal { get; private set; } = new(JournalProvider.Sqlite, "");

    public PrivatePostgres Server => _server ?? throw new InvalidOperationException("it is a file");

    public static async Task<ScratchDatabase> Of(JournalProvider provider)
    {
        var database = new ScratchDatabase();
        if (provider == JournalProvider.PostgreSql)
        {
            database._server = await PrivatePostgres.StartNew(Path.Combine(database._directory, "pg"));
            database.Journal = new JournalSettings(provider, database._server.ConnectionString);
        }
        else
        {
            var file = $"Data Source={Path.Combine(database._directory, "journal.db")}";
            database.Journal = new JournalSettings(provider, file);
            await using var connection = new SqliteConnection(file);
            await connection.OpenAsync();
            await using var command = connection.CreateCommand();
            command.CommandText = "pragma journal_mode = wal";
            await command.ExecuteNonQueryAsync();
        }

        database.Execute(SqlVoterTable.Definition);
        return database;
    }

    public SqlVoterSource Open() => SqlVoterSource.Of(Journal, TimeSpan.FromSeconds(2));

    public void Execute(string sql)
    {
        using var source = Open();
        using var connection = source.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
        {
            await _server.Stop();
        }

        Directory.Delete(_directory, recursive: true);
    }
}
