using System.Data.Common;
using ClusterFs.Ownership.Journal;

namespace ClusterFs.Ownership.SplitBrain;

/// <summary>The rows of leases that decide where actors run. Safe to share between threads.</summary>
internal sealed class SqlLeaseTable(JournalStore store) : IAsyncDisposable
{
    private const string Name = "clusterfs_lease";

    private readonly DbDataSource _source = store.OpenSource();

    public static JournalTable Table { get; } = new(
        Name,
        $"create table if not exists {Name} (name varchar(255) not null primary key, owner varchar(255), beat varchar(36) not null)",
        "name");

    /// <summary>The row, made free where it is missing.</summary>
    /// <exception cref="DbException">The database is away.</exception>
    public async Task<SqlLeaseRow> ReadAsync(string name, CancellationToken cancellation)
    {
        await using var connection = await _source.OpenConnectionAsync(cancellation).ConfigureAwait(false);
        while (true)
        {
            await using (var select = connection.CreateCommand())
            {
                select.CommandText = $"select owner, beat from {Name} where name = @name";
                Add(select, "@name", name);
                await using var reader = await select.ExecuteReaderAsync(cancellation).ConfigureAwait(false);
                if (await reader.ReadAsync(cancellation).ConfigureAwait(false))
                {
                    return new SqlLeaseRow(reader.IsDBNull(0) ? null : reader.GetString(0), reader.GetString(1));
                }
            }

            await using var insert = connection.CreateCommand();
            insert.CommandText = $"insert into {Name} (name, owner, beat) values (@name, null, @beat) on conflict (name) do nothing";
            Add(insert, "@name", name);
            Add(insert, "@beat", Guid.NewGuid().ToString());
            await insert.ExecuteNonQueryAsync(cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>Replaces the row if it is still as it was read.</summary>
    /// <exception cref="DbException">The database is away; it may have been replaced all the same.</exception>
    public async Task<bool> SwapAsync(string name, SqlLeaseRow was, SqlLeaseRow becomes, CancellationToken cancellation)
    {
        await using var connection = await _source.OpenConnectionAsync(cancellation).ConfigureAwait(false);
        await using var update = connection.CreateCommand();
        update.CommandText = $"update {Name} set owner = @owner, beat = @beat where name = @name and beat = @was";
        Add(update, "@name", name);
        Add(update, "@was", was.Beat);
        Add(update, "@beat", becomes.Beat);
        Add(update, "@owner", becomes.Owner);
        return await update.ExecuteNonQueryAsync(cancellation).ConfigureAwait(false) == 1;
    }

    public ValueTask DisposeAsync() => _source.DisposeAsync();

    private static void Add(DbCommand command, string name, string? value)
    {
        var parameter = command.CreateParameter();
        parameter.ParameterName = name;
        parameter.DbType = System.Data.DbType.String;
        parameter.Value = (object?)value ?? DBNull.Value;
        command.Parameters.Add(parameter);
    }
}
