using ClusterFs.Demo;
using ClusterFs.Demo.Layout;
using ClusterFs.Demo.Status;
using ClusterFs.Faults.Workload;
using ClusterFs.Posix;

namespace ClusterFs.Faults.Rig;

/// <summary>A real cluster on the rig, with the workload as its service. Whatever was made for it is gone when it is disposed of.</summary>
internal sealed class FaultCluster : IAsyncDisposable
{
    public const string Service = "records";

    private static readonly TimeSpan SettlePatience = TimeSpan.FromSeconds(90);
    private static readonly TimeSpan WarmPatience = TimeSpan.FromMinutes(3);
    private static readonly TimeSpan StopBudget = TimeSpan.FromSeconds(1);

    private readonly Dictionary<string, Machine> _machines;
    private readonly Timeline _timeline;
    private readonly Lock _turn = new();

    private FaultCluster(NamespaceSite site, LocalCluster cluster)
    {
        Site = site;
        Cluster = cluster;
        _timeline = new Timeline(site.TimelineDirectory, Service);
        _machines = cluster.Nodes.ToDictionary(
            node => node.Name,
            node => new Machine(
                node, site.Disk(node.Name), site.Mounts[node.Name], [.. cluster.Options.Services.Select(service => service.Name)]));
        Watch = new RiskWatch(cluster, Service);
    }

    public NamespaceSite Site { get; }

    public LocalCluster Cluster { get; }

    /// <summary>Asks the owner all the time what is at risk.</summary>
    public RiskWatch Watch { get; }

    public IReadOnlyCollection<Machine> Machines => _machines.Values;

    /// <summary>Where the workload wrote last; null when it never did.</summary>
    public string? Owner
    {
        get
        {
            lock (_turn)
            {
                _timeline.Update();
                return _timeline.LastAcknowledged is { } last ? _timeline.Lives().First(life => life.Run == last.Run).Node : null;
            }
        }
    }

    /// <summary>When the workload wrote last, on the boot-time clock.</summary>
    public TimeSpan LastAcknowledged
    {
        get
        {
            lock (_turn)
            {
                _timeline.Update();
                return _timeline.LastAcknowledged?.At ?? TimeSpan.Zero;
            }
        }
    }

    public IReadOnlyList<WriterLife> Lives
    {
        get
        {
            lock (_turn)
            {
                _timeline.Update();
                return _timeline.Lives();
            }
        }
    }

    /// <summary>Builds the rig, writes the configuration, and starts everything.</summary>
    public static async Task<FaultCluster> Start(FaultClusterOptions options)
    {
        var site = await NamespaceSite.Build($"fault{options.Nodes}", options.Nodes, liveContent: options.Ballast);
        LocalCluster cluster;
        try
        {
            cluster = await LocalCluster.Create(new LocalClusterOptions
            {
                // To be failed over again and again is what it is for.
                FailoverMax = 0,
                Name = "fault",
                Nodes = options.Nodes,
                Site = site,
                Ttl = options.Ttl,
                StopBudget = StopBudget,
                Journal = JournalKind.PostgreSql,
                Encrypted = true,
                Binaries = Binaries.Find(),
                Services = [Workload(site, Service, options)],
            });
        }
        catch
        {
            site.Dispose();
            throw;
        }

        return new FaultCluster(site, cluster);
    }

    public Machine Machine(string node) => _machines[node];

    /// <summary>Waits until the workload writes.</summary>
    /// <param name="after">A moment on the boot-time clock.</param>
    /// <param name="patience">How long to wait.</param>
    /// <param name="cancelled">Ends the waiting.</param>
    /// <returns>Null when it did not.</returns>
    public async Task<TimeSpan?> UntilAcknowledged(TimeSpan after, TimeSpan patience, CancellationToken cancelled)
    {
        while (MachineClock.Boottime - after < patience)
        {
            if (LastAcknowledged is var last && last > after)
            {
                return last;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(20), cancelled);
        }

        return null;
    }

    /// <summary>Waits until every daemon sees every other one as a member.</summary>
    /// <param name="after">A moment on the boot-time clock.</param>
    /// <param name="patience">How long to wait from then on.</param>
    /// <param name="cancelled">Ends the waiting.</param>
    /// <returns>How long it took; null when it took longer.</returns>
    public async Task<TimeSpan?> UntilComplete(TimeSpan after, TimeSpan patience, CancellationToken cancelled)
    {
        while (MachineClock.Boottime - after < patience)
        {
            var answers = await Task.WhenAll(Cluster.Nodes.Select(node => node.TryStatus()));
            if (answers.All(status => status?.Cluster.Members.Count(member => member.IsUp) == answers.Length))
            {
                return MachineClock.Boottime - after;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(200), cancelled);
        }

        return null;
    }

    /// <summary>Waits until the workload writes, its content is dumped, and all nodes are members.</summary>
    /// <returns>The owner.</returns>
    /// <exception cref="ConditionNotMetException">It takes too long.</exception>
    public async Task<string> Settle(CancellationToken cancelled)
    {
        var began = MachineClock.Boottime;
        var wrote = await UntilAcknowledged(began, SettlePatience, cancelled);
        var complete = await UntilComplete(began, SettlePatience, cancelled);
        if (wrote is null || complete is null)
        {
            throw new ConditionNotMetException($"the cluster has not settled within {SettlePatience.TotalSeconds:0} s{Environment.NewLine}{Cluster.Evidence()}");
        }

        await Cluster.UntilService(
            Service, "is owned and dumped", SettlePatience, service => service is { IsOwned: true, LastDump: not null }, cancelled);
        return Owner!;
    }

    /// <summary>Waits until every node that does not own the service has a copy of its content.</summary>
    public Task UntilWarm(CancellationToken cancelled) => Cluster.UntilService(
        Service,
        "has a copy on every other node",
        WarmPatience,
        service => service.Standbys.Count(standby => standby is { LagSeconds: not null, Problem: null }) == Machines.Count - 1,
        cancelled);

    /// <summary>No daemon, guard or service is started again, and all stop in order.</summary>
    public async Task StopInOrder()
    {
        foreach (var machine in Machines)
        {
            await machine.DisposeAsync();
        }

        await Watch.DisposeAsync();
        await Cluster.StopInOrder();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var machine in Machines)
        {
            await machine.DisposeAsync();
        }

        await Watch.DisposeAsync();
        Site.Dispose();
        await Cluster.DisposeAsync();
    }

    private static LocalService Workload(NamespaceSite site, string service, FaultClusterOptions options) => new(
        service,
        options.DumpEvery,
        node =>
        [
            options.WriterProgram, "writer",
            "--service", service,
            "--node", node.Name,
            "--data", node.LivePath(service),
            "--timeline", site.TimelineDirectory,
            "--ballast", $"{options.Ballast}",
        ],
        $"stop-timeout = 2s\n{options.ServiceSettings}");
}

internal sealed record FaultClusterOptions
{
    /// <summary>2 to 9.</summary>
    public int Nodes { get; init; } = 3;

    public TimeSpan Ttl { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>From the start of one dump to the start of the next.</summary>
    public TimeSpan DumpEvery { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Bytes of live content that never change.</summary>
    public long Ballast { get; init; }

    /// <summary>Further settings of the service.</summary>
    public string ServiceSettings { get; init; } = "";

    /// <summary>What the workload is started with.</summary>
    public string WriterProgram { get; init; } = Environment.ProcessPath ?? throw new InvalidOperationException("this program has no path");
}
