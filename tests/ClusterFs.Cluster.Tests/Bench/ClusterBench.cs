using ClusterFs.Demo;
using ClusterFs.Demo.Layout;
using ClusterFs.Demo.Status;
using ClusterFs.Demo.Writing;

namespace ClusterFs.Cluster.Tests.Bench;

/// <summary>
/// One cluster of three nodes for all tests of a collection, or one of its own shape for one test. Each test leaves it as it likes; the next one has it settle first.
/// </summary>
public sealed class ClusterBench : IAsyncLifetime
{
    public const string Guestbook = GuestbookService.Name;
    public const string Stubborn = "stubborn";
    public const string Forking = "forking";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan DumpEvery = TimeSpan.FromSeconds(2);

    private LocalCluster? _cluster;
    private Beats? _beats;

    /// <summary>Long enough for a service to outlive a machine's pause of nearly two seconds.</summary>
    public static TimeSpan Ttl { get; } = TimeSpan.FromSeconds(4);

    /// <summary>From the kill of an owner to the first acknowledgement of the next one.</summary>
    public static TimeSpan LongestTakeover { get; } = Ttl + TimeSpan.FromSeconds(3);

    /// <summary>Of writes, at a planned move: less than if a lease had to run out.</summary>
    public static TimeSpan LongestMove { get; } = Ttl - TimeSpan.FromSeconds(1);

    public LocalCluster Cluster => _cluster ?? throw new InvalidOperationException("the bench is set up by xunit");

    internal Beats Beats => _beats ?? throw new InvalidOperationException("the bench is set up by xunit");

    public async Task InitializeAsync() => await Create(JournalKind.Sqlite, encrypted: false, nodes: 3, members: 3);

    public async Task DisposeAsync()
    {
        if (_cluster is not null)
        {
            await _cluster.DisposeAsync();
        }
    }

    /// <param name="nodes">That there are.</param>
    /// <param name="members">How many of them the configuration names to begin with; null for all.</param>
    internal static async Task<ClusterBench> With(JournalKind journal, bool encrypted, int nodes = 3, int? members = null)
    {
        var bench = new ClusterBench();
        await bench.Create(journal, encrypted, nodes, members ?? nodes);
        return bench;
    }

    /// <summary>Brings back whatever is not running, and waits until all nodes are members and the guestbook answers.</summary>
    /// <returns>Its owner.</returns>
    public async Task<ClusterNode> Settle()
    {
        foreach (var node in Cluster.Members)
        {
            node.Start();
        }

        await Cluster.UntilComplete(Patience);
        return await Settle(Guestbook);
    }

    /// <summary>Makes every node a candidate for a service, and waits until one runs it.</summary>
    /// <returns>The one.</returns>
    public async Task<ClusterNode> Settle(string service)
    {
        foreach (var node in Cluster.Members)
        {
            if (!node.Runs.TryGetValue(service, out var run) || run.HasExited)
            {
                node.StartRun(service);
            }
        }

        // Owned and running: a node that has just been granted an epoch may still be restoring.
        var status = await Cluster.UntilService(service, "is owned and runs", Patience, IsRunning);
        return Cluster.Node(status.Owner!);
    }

    /// <summary>
    /// Waits until the guestbook's ownership is decided on on another node than its owner, and until who decides there has heard the owner: an incarnation that
    /// has just begun has not, and where it is lost with the owner it has to find a new home first.
    /// </summary>
    /// <returns>The node on which it is decided.</returns>
    internal Task<ClusterNode> DecidesOffTheOwner(ClusterNode owner) => Eventually.Get(
        "ownership is decided on off the owner, and by one that has heard it",
        Patience,
        async () => Cluster.DecidesOn(Guestbook) is { } decides && decides != owner
            && (await decides.TryStatus())?.Service(Guestbook) is { IsOwned: true, Reason: null } ? decides : null,
        Cluster.Evidence);

    /// <summary>Ends a service on all nodes.</summary>
    public async Task Retire(string service)
    {
        foreach (var run in Cluster.Nodes.Select(node => node.Runs[service]))
        {
            run.Signal(Posix.Processes.SignalTerminate);
            await run.UntilExit(Patience);
        }
    }

    internal Task<Load> Load(ClusterNode owner) => Bench.Load.Start(Cluster, owner);

    /// <summary>There was an outage, it is over, and it did not take longer.</summary>
    internal void ShorterThan(TimeSpan allowed, Outage? outage) => Assert.True(
        outage is { Until: not null } && outage.Duration < allowed,
        $"writes failed for {outage}, {allowed} are allowed{Environment.NewLine}{Cluster.Evidence()}");

    internal bool IsRunning(ServiceStatus service) =>
        service.IsOwned && Cluster.Node(service.Owner!).ProcessesOf(service.Name).Count > 0;

    private async Task Create(JournalKind journal, bool encrypted, int nodes, int members)
    {
        var binaries = Binaries.Find();
        _cluster = await LocalCluster.Create(new LocalClusterOptions
        {
            Name = "bench",
            Nodes = nodes,
            Ttl = Ttl,
            StopBudget = TimeSpan.FromSeconds(1),
            Journal = journal,
            Encrypted = encrypted,
            FailoverMax = 0,
            Binaries = binaries,
            Services =
            [
                GuestbookService.Create(binaries, DumpEvery, node => Beats.Around(node, Guestbook, "plain")),
                new LocalService(Stubborn, DumpEvery, node => Beats.Around(node, Stubborn, Stubborn), "stop-timeout = 500ms"),
                new LocalService(Forking, DumpEvery, node => Beats.Around(node, Forking, Forking), "stop-timeout = 500ms"),
            ],
        });
        _cluster.Configure([.. _cluster.Nodes.Take(members)]);
        _beats = new Beats(Path.Combine(_cluster.Directory, "beats"));
        try
        {
            await Settle();
        }
        catch
        {
            // Nobody disposes of what could not be set up.
            await DisposeAsync();
            throw;
        }
    }
}

[CollectionDefinition(Name)]
public sealed class OneCluster : ICollectionFixture<ClusterBench>
{
    public const string Name = "one cluster";
}
