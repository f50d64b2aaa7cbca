using Akka.Actor;
using Akka.Coordination;
using ClusterFs.Ownership.Journal;

namespace ClusterFs.Ownership.SplitBrain;

/// <summary>
/// The lease that the split-brain resolver asks for before one side of a partition downs the other, kept in the journal's database. It decides
/// where actors run and nothing else: services run under leases of the voters. A holder that vanished is waited for by watching its row stand
/// still, so every node looks at the row all the time.
/// </summary>
/// <remarks>Made by Akka from <c>lease-class</c>. Thread-safe.</remarks>
public sealed class SqlLease : Akka.Coordination.Lease, IDisposable
{
    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly CancellationTokenSource _over = new();
    private readonly TimeProvider _time = TimeProvider.System;
    private readonly SqlLeaseTable _table;
    private SqlLeaseSight? _seen;
    private SqlLeaseRow? _mine;
    private long _lastBeat;
    private Action<Exception>? _lost;

    public SqlLease(LeaseSettings settings, ExtendedActorSystem system)
        : base(settings)
    {
        _table = new SqlLeaseTable(JournalStore.Of(settings.LeaseConfig));
        _ = system.WhenTerminated.ContinueWith(_ => Dispose(), TaskScheduler.Default);
        _ = Task.Run(KeepAsync);
    }

    private TimeSpan HeartbeatTimeout => Settings.TimeoutSettings.HeartbeatTimeout;

    /// <summary>Who holds it, by the last look, unless the row has stood still for so long that it is lost.</summary>
    internal string? LivingHolder =>
        Volatile.Read(ref _seen) is { Row.Owner: { } owner } seen && _time.GetElapsedTime(seen.Since) < HeartbeatTimeout ? owner : null;

    public override bool CheckLease() => Volatile.Read(ref _mine) is not null
        && SqlLeaseRules.IsHeld(_time.GetElapsedTime(Volatile.Read(ref _lastBeat)), HeartbeatTimeout);

    public override Task<bool> Acquire() => Acquire(_ => { });

    /// <exception cref="LeaseException">The database gave no answer in time: whether the lease is held is unknown.</exception>
    public override Task<bool> Acquire(Action<Exception> leaseLostCallback) => InTurnAsync(async cancellation =>
    {
        _lost = leaseLostCallback;
        await LookAsync(cancellation).ConfigureAwait(false);
        var (row, since) = _seen!;
        return SqlLeaseRules.MayTake(row, Settings.OwnerName, _time.GetElapsedTime(since), HeartbeatTimeout)
            && await BeatAsync(row, cancellation).ConfigureAwait(false);
    });

    /// <exception cref="LeaseException">The database gave no answer in time.</exception>
    public override Task<bool> Release() => InTurnAsync(async cancellation =>
    {
        if (_mine is { } mine)
        {
            Volatile.Write(ref _mine, null);
            await _table.SwapAsync(Settings.LeaseName, mine, NewRow(owner: null), cancellation).ConfigureAwait(false);
        }

        return true;
    });

    /// <summary>Ends with the actor system that it was made in: it is not beaten for any more, and runs out.</summary>
    public void Dispose() => _over.Cancel();

    private static SqlLeaseRow NewRow(string? owner) => new(owner, Guid.NewGuid().ToString());

    /// <summary>While it is held, beats; while it is not, looks.</summary>
    private async Task KeepAsync()
    {
        using var timer = new PeriodicTimer(Settings.TimeoutSettings.HeartbeatInterval, _time);
        try
        {
            do
            {
                try
                {
                    _ = await InTurnAsync(KeepOnceAsync).ConfigureAwait(false);
                }
                catch (LeaseException)
                {
                    // Whoever asks for it is told; a holder that cannot beat loses it in time.
                }

                LoseIfOverdue();
            }
            while (await timer.WaitForNextTickAsync(_over.Token).ConfigureAwait(false));
        }
        catch (OperationCanceledException)
        {
            await _table.DisposeAsync().ConfigureAwait(false);
        }
    }

    private async Task<bool> KeepOnceAsync(CancellationToken cancellation)
    {
        if (_mine is not { } mine)
        {
            await LookAsync(cancellation).ConfigureAwait(false);
            return true;
        }

        if (await BeatAsync(mine, cancellation).ConfigureAwait(false))
        {
            return true;
        }

        // Written all the same by a beat whose answer was lost, or taken by another.
        await LookAsync(cancellation).ConfigureAwait(false);
        if (_seen!.Row.Owner != Settings.OwnerName || !await BeatAsync(_seen.Row, cancellation).ConfigureAwait(false))
        {
            Lose(new LeaseException($"another node took the lease {Settings.LeaseName}"));
        }

        return true;
    }

    private async Task LookAsync(CancellationToken cancellation)
    {
        var row = await _table.ReadAsync(Settings.LeaseName, cancellation).ConfigureAwait(false);
        Volatile.Write(ref _seen, SqlLeaseSight.Of(_seen, row, _time.GetTimestamp()));
    }

    private async Task<bool> BeatAsync(SqlLeaseRow was, CancellationToken cancellation)
    {
        var sent = _time.GetTimestamp();
        var becomes = NewRow(Settings.OwnerName);
        if (!await _table.SwapAsync(Settings.LeaseName, was, becomes, cancellation).ConfigureAwait(false))
        {
            return false;
        }

        Volatile.Write(ref _lastBeat, sent);
        Volatile.Write(ref _mine, becomes);
        return true;
    }

    private void LoseIfOverdue()
    {
        if (Volatile.Read(ref _mine) is not null && !CheckLease())
        {
            Lose(new LeaseException($"the lease {Settings.LeaseName} could not be kept up"));
        }
    }

    private void Lose(LeaseException reason)
    {
        Volatile.Write(ref _mine, null);
        _lost?.Invoke(reason);
    }

    /// <summary>One operation at a time, and never on the thread of an actor: SQLite's driver blocks.</summary>
    private async Task<bool> InTurnAsync(Func<CancellationToken, Task<bool>> operation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(_over.Token);
        limit.CancelAfter(Settings.TimeoutSettings.OperationTimeout);
        try
        {
            return await Task.Run(
                async () =>
                {
                    await _turn.WaitAsync(limit.Token).ConfigureAwait(false);
                    try
                    {
                        return await operation(limit.Token).ConfigureAwait(false);
                    }
                    finally
                    {
                        _turn.Release();
                    }
                },
                limit.Token).ConfigureAwait(false);
        }
#pragma warning disable CA1031 // Drivers throw much besides DbException when a connection breaks. Whatever it is, nothing is known now.
        catch (Exception problem) when (!_over.IsCancellationRequested)
#pragma warning restore CA1031
        {
            throw new LeaseException($"the lease {Settings.LeaseName}: {problem.Message}");
        }
    }
}
