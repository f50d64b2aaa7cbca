using System.Data.Common;
using ClusterFs.Configuration;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace ClusterFs.Guard.SqlVoting;

/// <summary>Opens connections to the database that the vote is kept in: one at a time, none of them shared, each durable. Thread-safe.</summary>
public abstract class SqlVoterSource : IDisposable
{
    private protected SqlVoterSource(TimeSpan patience) => TimeoutSeconds = Math.Max(1, (int)Math.Ceiling(patience.TotalSeconds));

    /// <summary>What one statement may take, rounded up to what the drivers can count.</summary>
    private protected int TimeoutSeconds { get; }

    /// <param name="journal">The database of the journal is the one.</param>
    /// <param name="patience">What one statement may take. Drivers count in seconds, at least one.</param>
    public static SqlVoterSource Of(JournalSettings journal, TimeSpan patience) => journal.Provider switch
    {
        JournalProvider.Sqlite => new SqliteSource(journal.ConnectionString, patience),
        JournalProvider.PostgreSql => new PostgreSqlSource(journal.ConnectionString, patience),
        var other => throw new InvalidOperationException($"unknown journal provider {other}"),
    };

    /// <summary>Blocks for as long as the database takes, within the patience.</summary>
    /// <exception cref="DbException">The database is away.</exception>
    public abstract DbConnection Open();

    public abstract void Dispose();

    private protected void Execute(DbConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.CommandTimeout = TimeoutSeconds;
        command.ExecuteNonQuery();
    }

    private sealed class SqliteSource : SqlVoterSource
    {
        private readonly string _connectionString;

        public SqliteSource(string connectionString, TimeSpan patience)
            : base(patience) => _connectionString =
            new SqliteConnectionStringBuilder(connectionString) { DefaultTimeout = TimeoutSeconds, Pooling = false, Mode = SqliteOpenMode.ReadWrite }
                .ConnectionString;

        public override DbConnection Open()
        {
            var connection = new SqliteConnection(_connectionString);
            try
            {
                connection.Open();
                Execute(connection, "pragma synchronous = full");
                return connection;
            }
            catch
            {
                connection.Dispose();
                throw;
            }
        }

        public override void Dispose()
        {
        }
    }

    private sealed class PostgreSqlSource : SqlVoterSource
    {
        private readonly NpgsqlDataSource _source;

        public PostgreSqlSource(string connectionString, TimeSpan patience)
            : base(patience)
        {
            // The slim builder: the full one brings types that nothing here uses into every start of the command line.
            var builder = new NpgsqlSlimDataSourceBuilder(connectionString);
            builder.ConnectionStringBuilder.Pooling = false;
            builder.ConnectionStringBuilder.Timeout = TimeoutSeconds;
            builder.ConnectionStringBuilder.CommandTimeout = TimeoutSeconds;

            // A server that does not answer does not answer a request to cancel either.
            builder.ConnectionStringBuilder.CancellationTimeout = -1;
            builder.EnableTransportSecurity();
            _source = builder.Build();
        }

        public override DbConnection Open()
        {
            var connection = _source.OpenConnection();
            try
            {
                // Whatever the server's default is: an ack that a crash of the server forgets is no promise.
                Execute(
                    connection,
                    "select set_config('synchronous_commit', 'on', false) where current_setting('synchronous_commit') in ('off', 'local')");
                return connection;
            }
            catch
            {
                connection.Dispose();
                throw;
            }
        }

        public override void Dispose() => _source.Dispose();
    }
}
