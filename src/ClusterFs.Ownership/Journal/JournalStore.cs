using System.Data.Common;
using Akka.Configuration;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace ClusterFs.Ownership.Journal;

/// <summary>The database that the journal is in.</summary>
public abstract record JournalStore
{
    private const int TimeoutSeconds = 4;

    private protected JournalStore(string connectionString) => ConnectionString = connectionString;

    /// <summary>May hold a password: never logged.</summary>
    public string ConnectionString { get; }

    /// <summary>How linq2db calls it. Decides how empty databases are set up, so it never changes.</summary>
    internal abstract string ProviderName { get; }

    /// <summary>For people: which database, without secrets.</summary>
    public abstract override string ToString();

    /// <summary>A file on this machine: all nodes have to be on it.</summary>
    public static JournalStore Sqlite(string connectionString) => new SqliteStore(connectionString);

    public static JournalStore PostgreSql(string connectionString) => new PostgreSqlStore(connectionString);

    /// <summary>Akka's settings for this store, above those of <see cref="OwnershipConfiguration"/>.</summary>
    public Config ToConfig() => ConfigurationFactory.ParseString($$"""
        akka.persistence.journal.sql {
          connection-string = {{Quote(ConnectionString)}}
          provider-name = {{Quote(ProviderName)}}
        }
        clusterfs.sql-lease {
          connection-string = {{Quote(ConnectionString)}}
          provider-name = {{Quote(ProviderName)}}
        }
        clusterfs.cluster-claim {
          connection-string = {{Quote(ConnectionString)}}
          provider-name = {{Quote(ProviderName)}}
        }
        """);

    /// <summary>The store that <see cref="ToConfig"/> wrote down.</summary>
    internal static JournalStore Of(Config config)
    {
        var connectionString = config.GetString("connection-string");
        return config.GetString("provider-name") == SqliteStore.Provider ? Sqlite(connectionString) : PostgreSql(connectionString);
    }

    /// <summary>Whether there is something to be opened. True where only the database knows.</summary>
    internal virtual bool IsMade => true;

    internal abstract DbDataSource OpenSource();

    /// <summary>The same, and nothing is made by it.</summary>
    internal virtual DbDataSource OpenExisting() => OpenSource();

    /// <summary>Sets the database up for all who use it.</summary>
    internal abstract Task PrepareAsync(DbConnection connection, CancellationToken cancellation);

    /// <summary>What can be told of <see cref="PrepareAsync"/> without changing anything.</summary>
    /// <exception cref="JournalRefusedException">It forgets what it acknowledged.</exception>
    internal abstract Task CheckAsync(DbConnection connection, CancellationToken cancellation);

    /// <summary>The columns of every unique index and constraint of a table, in order, joined by commas.</summary>
    internal abstract Task<IReadOnlyList<string>> UniqueColumnsAsync(DbConnection connection, string table, CancellationToken cancellation);

    private protected static async Task<IReadOnlyList<string>> ReadColumnAsync(DbCommand command, CancellationToken cancellation)
    {
        var values = new List<string>();
        await using var reader = await command.ExecuteReaderAsync(cancellation).ConfigureAwait(false);
        while (await reader.ReadAsync(cancellation).ConfigureAwait(false))
        {
            values.Add(reader.GetString(0));
        }

        return values;
    }

    private static string Quote(string value) =>
        $"\"{value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"";

    private sealed record SqliteStore : JournalStore
    {
        public const string Provider = "SQLite.MS";

        public SqliteStore(string connectionString)
            : base(WithTimeout(connectionString))
        {
        }

        internal override string ProviderName => Provider;

        public override string ToString() => $"SQLite {new SqliteConnectionStringBuilder(ConnectionString).DataSource}";

        internal override bool IsMade =>
            new SqliteConnectionStringBuilder(ConnectionString).DataSource is var file && (file.StartsWith("file:", StringComparison.Ordinal) || File.Exists(file));

        internal override DbDataSource OpenSource() => SqliteFactory.Instance.CreateDataSource(ConnectionString);

        internal override DbDataSource OpenExisting() => SqliteFactory.Instance.CreateDataSource(
            new SqliteConnectionStringBuilder(ConnectionString) { Mode = SqliteOpenMode.ReadWrite, Pooling = false }.ConnectionString);

        internal override async Task PrepareAsync(DbConnection connection, CancellationToken cancellation)
        {
            await using var command = connection.CreateCommand();
            command.CommandText = "pragma journal_mode = wal";
            var mode = await command.ExecuteScalarAsync(cancellation).ConfigureAwait(false);
            if (mode is not "wal")
            {
                throw new JournalRefusedException($"{this}: cannot be set to write-ahead logging, its journal mode is {mode}");
            }

            await CheckAsync(connection, cancellation).ConfigureAwait(false);
        }

        internal override async Task CheckAsync(DbConnection connection, CancellationToken cancellation)
        {
            await using var command = connection.CreateCommand();

            // Per connection, and not to be set by the connection string: the library's default has to be right.
            command.CommandText = "pragma synchronous";
            var synchronous = await command.ExecuteScalarAsync(cancellation).ConfigureAwait(false);
            if (synchronous is not long and not int || Convert.ToInt64(synchronous, null) < 2)
            {
                throw new JournalRefusedException($"{this}: this build of SQLite does not sync commits (synchronous = {synchronous})");
            }
        }

        internal override async Task<IReadOnlyList<string>> UniqueColumnsAsync(DbConnection connection, string table, CancellationToken cancellation)
        {
            await using var command = connection.CreateCommand();
            command.CommandText = """
                select group_concat(name, ',') from (
                  select l.name as idx, i.name as name from pragma_index_list(@table) l, pragma_index_info(l.name) i
                  where l."unique" = 1 and l.partial = 0 order by l.name, i.seqno)
                group by idx
                """;
            command.Parameters.Add(new SqliteParameter("@table", table));
            return await ReadColumnAsync(command, cancellation).ConfigureAwait(false);
        }

        private static string WithTimeout(string connectionString)
        {
            // Below the journal's call-timeout, so that a lock that is held too long is an error of the call and not of its circuit breaker.
            var builder = new SqliteConnectionStringBuilder(connectionString);
            if (!builder.ShouldSerialize("Default Timeout"))
            {
                builder.DefaultTimeout = TimeoutSeconds;
            }

            return builder.ConnectionString;
        }
    }

    private sealed record PostgreSqlStore : JournalStore
    {
        public PostgreSqlStore(string connectionString)
            : base(WithLimits(connectionString))
        {
        }

        internal override string ProviderName => "PostgreSQL.15";

        public override string ToString()
        {
            var builder = new NpgsqlConnectionStringBuilder(ConnectionString);
            return $"PostgreSQL {builder.Database} on {builder.Host}";
        }

        internal override DbDataSource OpenSource() => NpgsqlDataSource.Create(ConnectionString);

        internal override Task PrepareAsync(DbConnection connection, CancellationToken cancellation) => CheckAsync(connection, cancellation);

        internal override async Task CheckAsync(DbConnection connection, CancellationToken cancellation)
        {
            await using var command = connection.CreateCommand();
            command.CommandText = "show synchronous_commit";
            var mode = await command.ExecuteScalarAsync(cancellation).ConfigureAwait(false);
            if (mode is "off")
            {
                throw new JournalRefusedException($"{this}: synchronous_commit is off: a crash of the database would forget grants");
            }
        }

        internal override async Task<IReadOnlyList<string>> UniqueColumnsAsync(DbConnection connection, string table, CancellationToken cancellation)
        {
            await using var command = connection.CreateCommand();
            command.CommandText = """
                select string_agg(a.attname::text, ',' order by k.place)
                from pg_index i
                cross join lateral unnest(i.indkey::int2[]) with ordinality as k(number, place)
                join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.number
                where i.indrelid = to_regclass(@table) and i.indisunique and i.indisvalid and i.indpred is null
                group by i.indexrelid
                """;
            command.Parameters.Add(new NpgsqlParameter("@table", table));
            return await ReadColumnAsync(command, cancellation).ConfigureAwait(false);
        }

        private static string WithLimits(string connectionString)
        {
            var builder = new NpgsqlConnectionStringBuilder(connectionString);
            var given = new DbConnectionStringBuilder { ConnectionString = connectionString };
            SetUnlessGiven(given, "Timeout", () => builder.Timeout = TimeoutSeconds - 1);
            SetUnlessGiven(given, "Command Timeout", () => builder.CommandTimeout = TimeoutSeconds);
            SetUnlessGiven(given, "Keepalive", () => builder.KeepAlive = TimeoutSeconds + 1);
            SetUnlessGiven(given, "Maximum Pool Size", () => builder.MaxPoolSize = 10);
            return builder.ConnectionString;
        }

        private static void SetUnlessGiven(DbConnectionStringBuilder given, string keyword, Action set)
        {
            if (!given.ContainsKey(keyword))
            {
                set();
            }
        }
    }
}
