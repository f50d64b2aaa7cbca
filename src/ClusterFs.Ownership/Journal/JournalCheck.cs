using System.Data.Common;
using Akka.Actor;
using Akka.Persistence;
using ClusterFs.Ownership.SplitBrain;
using Microsoft.Extensions.Logging;

namespace ClusterFs.Ownership.Journal;

/// <summary>
/// Whether the database really keeps what one writer rests on: the unique numbering of events and the epoch table's primary key (R16), and
/// the keys of the tables that others keep beside them. Ownership does not start before all were seen.
/// </summary>
public sealed class JournalCheck(JournalStore store, TimeProvider time, ILogger<JournalCheck> logger, params IEnumerable<JournalTable> others)
{
    private const string PluginTable = "journal";
    private const string PluginKey = "persistence_id,sequence_number";

    private static readonly TimeSpan RetryEvery = TimeSpan.FromSeconds(1);

    /// <summary>The plugin makes its table first and the constraint after it, perhaps on another node.</summary>
    private static readonly TimeSpan MakingTakes = TimeSpan.FromSeconds(10);

    private readonly IReadOnlyList<JournalTable> _tables = [EpochTable.Table, SqlLeaseTable.Table, .. others];

    /// <summary>Sets the database up as far as the journal's plugin does not. To be called before the plugin starts.</summary>
    /// <exception cref="JournalRefusedException">The database cannot be trusted.</exception>
    public Task PrepareAsync(CancellationToken cancellation) => RetryAsync(
        async connection =>
        {
            await store.PrepareAsync(connection, cancellation).ConfigureAwait(false);
            foreach (var table in _tables)
            {
                await table.CreateAsync(connection, cancellation).ConfigureAwait(false);
            }

            return true;
        },
        cancellation);

    /// <summary>Waits until the journal's table is there, and looks at its constraints.</summary>
    /// <returns>Whether no epoch was ever granted: the cluster is new.</returns>
    /// <exception cref="JournalRefusedException">A constraint is missing.</exception>
    public async Task<bool> VerifyAsync(CancellationToken cancellation)
    {
        var isNew = false;
        var began = time.GetTimestamp();
        await RetryAsync(LookAsync, cancellation).ConfigureAwait(false);
        return isNew;

        async Task<bool> LookAsync(DbConnection connection)
        {
            if (!await ExistsAsync(connection, PluginTable, cancellation).ConfigureAwait(false))
            {
                return false;
            }

            if (time.GetElapsedTime(began) < MakingTakes && await IsBeingMadeAsync(connection, cancellation).ConfigureAwait(false))
            {
                return false;
            }

            await RequireAllAsync(connection, cancellation).ConfigureAwait(false);
            isNew = await EpochTable.IsEmptyAsync(connection, cancellation).ConfigureAwait(false);
            return true;
        }
    }

    /// <summary>Looks once, without waiting for what is not there, and changes nothing.</summary>
    /// <returns>Whether the tables are there; otherwise the first daemon makes them.</returns>
    /// <exception cref="JournalRefusedException">The database cannot be trusted.</exception>
    /// <exception cref="DbException">It does not answer.</exception>
    public async Task<bool> LookAsync(CancellationToken cancellation)
    {
        if (!store.IsMade)
        {
            return false;
        }

        await using var source = store.OpenExisting();
        await using var connection = await source.OpenConnectionAsync(cancellation).ConfigureAwait(false);
        await store.CheckAsync(connection, cancellation).ConfigureAwait(false);
        if (!await ExistsAsync(connection, PluginTable, cancellation).ConfigureAwait(false))
        {
            return false;
        }

        await RequireAllAsync(connection, cancellation).ConfigureAwait(false);
        return true;
    }

    /// <summary>Starts the journal's plugin, which makes its tables; the first failover must not wait for that.</summary>
    public static void StartPlugin(ActorSystem system) => _ = Persistence.Instance.Apply(system);

    private static async Task<bool> ExistsAsync(DbConnection connection, string table, CancellationToken cancellation)
    {
        await using var command = connection.CreateCommand();
        command.CommandText = $"select 1 from {table} where 1 = 0";
        try
        {
            _ = await command.ExecuteScalarAsync(cancellation).ConfigureAwait(false);
            return true;
        }
        catch (DbException) when (!cancellation.IsCancellationRequested)
        {
            return false;
        }
    }

    /// <summary>Nothing was ever numbered in it, so nothing was numbered twice.</summary>
    private async Task<bool> IsBeingMadeAsync(DbConnection connection, CancellationToken cancellation)
    {
        if (await IsUniqueAsync(connection, PluginTable, PluginKey, cancellation).ConfigureAwait(false))
        {
            return false;
        }

        await using var command = connection.CreateCommand();
        command.CommandText = $"select 1 from {PluginTable} limit 1";
        return await command.ExecuteScalarAsync(cancellation).ConfigureAwait(false) is null;
    }

    private async Task<bool> IsUniqueAsync(DbConnection connection, string table, string columns, CancellationToken cancellation) =>
        (await store.UniqueColumnsAsync(connection, table, cancellation).ConfigureAwait(false)).Contains(columns, StringComparer.OrdinalIgnoreCase);

    private async Task RequireAllAsync(DbConnection connection, CancellationToken cancellation)
    {
        await RequireAsync(connection, PluginTable, PluginKey, cancellation).ConfigureAwait(false);
        foreach (var table in _tables)
        {
            await RequireAsync(connection, table.Name, table.Key, cancellation).ConfigureAwait(false);
        }
    }

    private async Task RequireAsync(DbConnection connection, string table, string columns, CancellationToken cancellation)
    {
        if (!await IsUniqueAsync(connection, table, columns, cancellation).ConfigureAwait(false))
        {
            throw new JournalRefusedException(
                $"{store}: table {table} has no unique constraint over ({columns}), so two nodes could be granted one epoch; "
                + "add the constraint, or let ClusterFs create the tables in an empty database");
        }
    }

    private async Task RetryAsync(Func<DbConnection, Task<bool>> attempt, CancellationToken cancellation)
    {
        await using var source = store.OpenSource();
        for (var attempts = 1; ; attempts++)
        {
            cancellation.ThrowIfCancellationRequested();
            try
            {
                await using var connection = await source.OpenConnectionAsync(cancellation).ConfigureAwait(false);
                if (await attempt(connection).ConfigureAwait(false))
                {
                    return;
                }

                logger.JournalNotThereYet(store.ToString(), attempts);
            }
#pragma warning disable CA1031 // Drivers need not throw DbException only. What is no driver at all comes to nothing.
            catch (Exception failure) when (
                failure is not (JournalRefusedException or TypeInitializationException or DllNotFoundException)
                && (failure is not OperationCanceledException || !cancellation.IsCancellationRequested))
#pragma warning restore CA1031
            {
                logger.JournalAway(store.ToString(), failure.Message, attempts);
            }

            await Task.Delay(attempts < 10 ? RetryEvery / 4 : RetryEvery, time, cancellation).ConfigureAwait(false);
        }
    }
}
