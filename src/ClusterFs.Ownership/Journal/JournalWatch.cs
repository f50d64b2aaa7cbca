using System.Data.Common;

namespace ClusterFs.Ownership.Journal;

/// <summary>Whether the journal's database answers. For people: nothing is decided by it.</summary>
/// <param name="Since">By a wall clock.</param>
/// <param name="Problem">Why it does not.</param>
public sealed record JournalCondition(bool Reachable, DateTimeOffset Since, string? Problem);

/// <summary>Looks after the journal's database again and again, so that an outage is seen while nobody needs it.</summary>
public sealed class JournalWatch(JournalStore store, TimeProvider time)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    /// <summary>Looks until cancelled; may be blocked for as long as the database's driver waits.</summary>
    /// <param name="changed">Called with the first condition, and whenever it has become another.</param>
    public async Task RunAsync(Action<JournalCondition> changed, CancellationToken cancellation)
    {
        await using var source = store.OpenSource();
        using var timer = new PeriodicTimer(Interval, time);
        JournalCondition? last = null;
        do
        {
            var problem = await LookAsync(source, cancellation).ConfigureAwait(false);
            if (last?.Reachable != problem is null)
            {
                last = new JournalCondition(problem is null, time.GetUtcNow(), problem);
                changed(last);
            }
        }
        while (await timer.WaitForNextTickAsync(cancellation).ConfigureAwait(false));
    }

    /// <returns>Null when it answers.</returns>
    private static async Task<string?> LookAsync(DbDataSource source, CancellationToken cancellation)
    {
        try
        {
            await using var connection = await source.OpenConnectionAsync(cancellation).ConfigureAwait(false);
            await using var command = connection.CreateCommand();
            command.CommandText = "select 1";
            _ = await command.ExecuteScalarAsync(cancellation).ConfigureAwait(false);
            return null;
        }
#pragma warning disable CA1031 // Drivers throw much besides DbException. Whatever it is, it does not answer.
        catch (Exception failure) when (failure is not OperationCanceledException || !cancellation.IsCancellationRequested)
#pragma warning restore CA1031
        {
            return failure.Message;
        }
    }
}
