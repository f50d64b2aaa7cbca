using System.Collections.Concurrent;
using ClusterFs.Guard.Protocol;
using ClusterFs.Lease;

namespace ClusterFs.Guard.Tests.Processes;

/// <summary>Stands in for a node's daemon: grants, prepares and closes when the test says so.</summary>
internal sealed class TestDaemon : IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, ServiceReport> _reports = new();
    private readonly GuardLink _link;
    private readonly string[] _voters;
    private readonly LeaseTimings _timings;
    private readonly Task _listening;
    private volatile bool _connected;

    public TestDaemon(string socket, string[] voters, LeaseTimings timings)
    {
        _voters = voters;
        _timings = timings;
        _link = new GuardLink(socket);
        _listening = ListenAsync();
    }

    public bool IsConnected => _connected;

    public ServiceReport Report => _reports.GetValueOrDefault(LoopbackCluster.Service) ?? new ServiceReport();

    /// <summary>From a grant to the gate's opening.</summary>
    public async Task StartAsync(long epoch)
    {
        await SendAsync(Grant(epoch));
        await UntilAsync(report => report.Epoch == epoch && report.Phase == Phase.Held, $"epoch {epoch} held");
        await PrepareAsync(epoch);
        await UntilAsync(report => report.Epoch == epoch && report.Phase == Phase.Running && report.Process != 0, $"epoch {epoch} running");
    }

    public Task GrantAsync(long epoch) => SendAsync(Grant(epoch));

    /// <summary>The owner of a tenure goes on under a higher epoch.</summary>
    public Task ContinueAsync(long tenure, long epoch)
    {
        var command = Grant(epoch);
        command.Grant.Tenure = tenure;
        return SendAsync(command);
    }

    public Task PrepareAsync(long epoch) =>
        SendAsync(new SuperviseCommand { Prepared = new PreparedCommand { Service = LoopbackCluster.Service, Epoch = epoch } });

    public Task DrainAsync(long epoch) =>
        SendAsync(new SuperviseCommand { Drain = new DrainCommand { Service = LoopbackCluster.Service, Epoch = epoch } });

    public Task CloseAsync(long epoch) =>
        SendAsync(new SuperviseCommand { Close = new CloseCommand { Service = LoopbackCluster.Service, Epoch = epoch } });

    public Task UntilAsync(Func<ServiceReport, bool> condition, string what) =>
        Eventually.Is(() => condition(Report), what, () => $"the guard says {Report}");

    /// <summary>Also the end of a daemon within a test.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_listening.IsCompleted)
        {
            return;
        }

        await _link.DisposeAsync();
        await _listening;
    }

    private async Task SendAsync(SuperviseCommand command) =>
        _ = await Eventually.Is(() => _link.TrySend(command), "a connection to the guard");

    private SuperviseCommand Grant(long epoch) => new()
    {
        Grant = new GrantCommand
        {
            Service = LoopbackCluster.Service,
            Epoch = epoch,
            Tenure = epoch,
            Voters = { _voters },
            TtlMs = (long)_timings.Ttl.TotalMilliseconds,
            StopBudgetMs = (long)_timings.StopBudget.TotalMilliseconds,
        },
    };

    private async Task ListenAsync()
    {
        await foreach (var heard in _link.Events.ReadAllAsync())
        {
            switch (heard)
            {
                case GuardConnected:
                    _connected = true;
                    break;
                case GuardDisconnected:
                    _connected = false;
                    break;
                case ServiceReported reported:
                    _reports[reported.Report.Service] = reported.Report;
                    break;
            }
        }
    }
}
