using System.Collections.Immutable;
using ClusterFs.Guard.Execution;
using ClusterFs.Guard.Holding;
using ClusterFs.Guard.Protocol;
using ClusterFs.Lease;
using ClusterFs.Lease.Holder;
using Grpc.Core;
using Microsoft.Extensions.Logging;

namespace ClusterFs.Guard.Supervision;

/// <summary>Where the daemon sits, if it is there. At most one: a later one takes over.</summary>
internal sealed class DaemonDesk(
    ImmutableSortedDictionary<string, GuardedService> services, HolderShell holder, Executioner executioner, Levels levels,
    ChangeSignal changes, Func<Instant> now, ILogger log)
{
    private static readonly TimeSpan ShortestTtl = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan LongestTtl = TimeSpan.FromHours(1);

    private static readonly WriteOptions AtOnce = new();

    /// <summary>With what follows: the leases of a node are renewed together, and each message of its own would wake the daemon.</summary>
    private static readonly WriteOptions Together = new(WriteFlags.BufferHint);

    private readonly TellingPace _pace = TellingPace.Of(services.Count);
    private readonly Lock _lock = new();
    private CancellationTokenSource? _current;
    private volatile bool _ending;

    public bool IsAttached
    {
        get
        {
            lock (_lock)
            {
                return _current is not null;
            }
        }
    }

    /// <summary>The guard is stopping: no grant is taken any more.</summary>
    public bool IsEnding => _ending;

    public void End() => _ending = true;

    public async Task ServeAsync(
        IAsyncStreamReader<SuperviseCommand> commands, IServerStreamWriter<ServiceReport> reports, CancellationToken cancellation)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        TakeOver(ended);
        log.DaemonAttached();
        try
        {
            await Task.WhenAll(HearAsync(commands, ended), TellAsync(reports, ended)).ConfigureAwait(false);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or RpcException or InvalidOperationException)
        {
            log.StreamEnded(e.Message);
        }
        finally
        {
            if (Leave(ended))
            {
                log.DaemonGone();
            }
        }
    }

    private void TakeOver(CancellationTokenSource next)
    {
        lock (_lock)
        {
            _current?.Cancel();
            _current = next;
        }
    }

    private bool Leave(CancellationTokenSource one)
    {
        lock (_lock)
        {
            if (_current != one)
            {
                return false;
            }

            _current = null;
            return true;
        }
    }

    private async Task HearAsync(IAsyncStreamReader<SuperviseCommand> commands, CancellationTokenSource ended)
    {
        try
        {
            while (await commands.MoveNext(ended.Token).ConfigureAwait(false))
            {
                Take(commands.Current);
            }
        }
        finally
        {
            await ended.CancelAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Until the daemon has gone, or nothing will change any more and it has heard the last of it.</summary>
    private async Task TellAsync(IServerStreamWriter<ServiceReport> reports, CancellationTokenSource ended)
    {
        try
        {
            using var listener = changes.Listen();
            var last = new Dictionary<string, (ServiceReport Report, Instant At)>(StringComparer.Ordinal);
            while (true)
            {
                await TellAsync(reports, await listener.WaitAsync(ended.Token).ConfigureAwait(false), last, ended.Token).ConfigureAwait(false);
            }
        }
        finally
        {
            await ended.CancelAsync().ConfigureAwait(false);
        }
    }

    private async Task TellAsync(
        IServerStreamWriter<ServiceReport> reports, IReadOnlyCollection<string> changed, Dictionary<string, (ServiceReport Report, Instant At)> last,
        CancellationToken ended)
    {
        ServiceReport? next = null;
        foreach (var service in changed.Where(services.ContainsKey))
        {
            var report = levels.ReportOf(service);
            var at = now();
            if (last.TryGetValue(service, out var told) && !_pace.IsToBeTold(told.Report, told.At, report, at))
            {
                continue;
            }

            last[service] = (report, at);
            await WriteAsync(reports, next, Together, ended).ConfigureAwait(false);
            next = report;
        }

        await WriteAsync(reports, next, AtOnce, ended).ConfigureAwait(false);
    }

    private static async Task WriteAsync(
        IServerStreamWriter<ServiceReport> reports, ServiceReport? report, WriteOptions options, CancellationToken ended)
    {
        if (report is not null)
        {
            reports.WriteOptions = options;
            await reports.WriteAsync(report, ended).ConfigureAwait(false);
        }
    }

    private void Take(SuperviseCommand command)
    {
        var service = command.CommandCase switch
        {
            SuperviseCommand.CommandOneofCase.Grant => command.Grant.Service,
            SuperviseCommand.CommandOneofCase.Prepared => command.Prepared.Service,
            SuperviseCommand.CommandOneofCase.Drain => command.Drain.Service,
            SuperviseCommand.CommandOneofCase.Close => command.Close.Service,
            SuperviseCommand.CommandOneofCase.StandBy => command.StandBy.Service,
            _ => "",
        };
        if (!services.TryGetValue(service, out var guarded))
        {
            log.CommandRefused(command.ToString(), "no such service is configured on this node");
            return;
        }

        switch (command.CommandCase)
        {
            case SuperviseCommand.CommandOneofCase.Grant:
                TakeGrant(command.Grant);
                break;
            case SuperviseCommand.CommandOneofCase.Prepared:
                holder.Post(new ContentPrepared(service, command.Prepared.Epoch));
                break;
            case SuperviseCommand.CommandOneofCase.Drain:
                executioner.KillFrozen(service, command.Drain.Epoch, "the daemon says so");
                holder.Post(new DrainRequested(service, command.Drain.Epoch, guarded.StopTimeout, "a planned stop"));
                break;
            case SuperviseCommand.CommandOneofCase.Close:
                holder.Post(new CloseRequested(service, command.Close.Epoch));
                break;
            case SuperviseCommand.CommandOneofCase.StandBy:
                executioner.StandBy(service);
                break;
        }
    }

    private void TakeGrant(GrantCommand grant)
    {
        var timings = new LeaseTimings(TimeSpan.FromMilliseconds(grant.TtlMs), TimeSpan.FromMilliseconds(grant.StopBudgetMs));
        var problem =
            _ending ? "the guard is stopping"
            : grant.Epoch <= 0 ? "there is no such epoch"
            : grant.Tenure <= 0 || grant.Tenure > grant.Epoch ? "it names no tenure"
            : grant.Voters.Count == 0 ? "it names no voters"
            : timings.Ttl < ShortestTtl || timings.Ttl > LongestTtl ? "the TTL is out of range"
            : timings.StopBudget <= TimeSpan.Zero || timings.StopBudget * 2 > timings.Ttl ? "the stop budget is not under half the TTL"
            : null;
        if (problem is not null)
        {
            log.CommandRefused(grant.ToString(), problem);
            return;
        }

        holder.Post(new GrantReceived(grant.Service, grant.Epoch, grant.Tenure, grant.Voters.ToImmutableSortedSet(StringComparer.Ordinal), timings));
    }
}
