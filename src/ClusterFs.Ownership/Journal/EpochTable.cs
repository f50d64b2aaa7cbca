using System.Data.Common;
using System.Globalization;

namespace ClusterFs.Ownership.Journal;

/// <summary>
/// Which node each epoch belongs to, once and for all: a second line behind the journal, in case its tail is lost (R16). Safe to share
/// between threads.
/// </summary>
public sealed class EpochTable(JournalStore store) : IAsyncDisposable
{
    internal const string Name = "clusterfs_epoch";

    internal static JournalTable Table { get; } = new(
        Name,
        $"""
        create table if not exists {Name} (
          service varchar(255) not null, epoch bigint not null, node varchar(255) not null, at varchar(40) not null,
          primary key (service, epoch))
        """,
        "service,epoch");

    private readonly DbDataSource _source = store.OpenSource();

    /// <summary>Takes the epoch for a node.</summary>
    /// <returns>False when another node has it. The same node may take it again.</returns>
    /// <exception cref="DbException">The database is away, or does not answer in time: nothing is known.</exception>
    public async Task<bool> ReserveAsync(string service, long epoch, string node, DateTimeOffset at, CancellationToken cancellation)
    {
        await using var connection = await _source.OpenConnectionAsync(cancellation).ConfigureAwait(false);
        await using var insert = connection.CreateCommand();
        insert.CommandText =
            $"insert into {Name} (service, epoch, node, at) values (@service, @epoch, @node, @at) on conflict (service, epoch) do nothing";
        Add(insert, "@service", service);
        Add(insert, "@epoch", epoch);
        Add(insert, "@node", node);
        Add(insert, "@at", at.ToString("O", CultureInfo.InvariantCulture));
        await insert.ExecuteNonQueryAsync(cancellation).ConfigureAwait(false);

        await using var select = connection.CreateCommand();
        select.CommandText = $"select node from {Name} where service = @service and epoch = @epoch";
        Add(select, "@service", service);
        Add(select, "@epoch", epoch);
        return node == (string?)await select.ExecuteScalarAsync(cancellation).ConfigureAwait(false);
    }

    public ValueTask DisposeAsync() => _source.DisposeAsync();

    internal static async Task<bool> IsEmptyAsync(DbConnection connection, CancellationToken cancellation)
    {
        await using var select = connection.CreateCommand();
        select.CommandText = $"select 1 from {Name} limit 1";
        return await select.ExecuteScalarAsync(cancellation).ConfigureAwait(false) is null;
    }

    private static void Add(DbCommand command, string name, object value)
    {
        var parameter = command.CreateParameter();
        parameter.ParameterName = name;
        parameter.Value = value;
        command.Parameters.Add(parameter);
    }
}
