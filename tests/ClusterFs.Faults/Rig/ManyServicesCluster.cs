using System.Globalization;
using ClusterFs.Demo;
using ClusterFs.Demo.Layout;
using ClusterFs.Demo.Processes;
using ClusterFs.Demo.Status;

namespace ClusterFs.Faults.Rig;

/// <summary>
/// Three real nodes with many services. Nothing runs as a service: one process on each node holds those that are to be owned there, each
/// by an attachment of its own, as a <c>clusterfs hold</c> of its own would.
/// </summary>
internal sealed class ManyServicesCluster : IAsyncDisposable
{
    private const int NodeCount = 3;

    private static readonly TimeSpan StatusPatience = TimeSpan.FromSeconds(20);

    private readonly NamespaceSite _site;
    private readonly Dictionary<string, LaunchedProcess> _holders = [];

    private ManyServicesCluster(NamespaceSite site, LocalCluster cluster)
    {
        _site = site;
        Cluster = cluster;
    }

    public LocalCluster Cluster { get; }

    public TimeSpan Ttl => Cluster.Options.Ttl;

    /// <summary>Builds the rig and starts guards and daemons.</summary>
    public static async Task<ManyServicesCluster> Start(int services)
    {
        var site = await NamespaceSite.Build("many", NodeCount, wallClocks: false);
        try
        {
            var cluster = new ManyServicesCluster(site, await LocalCluster.Create(new LocalClusterOptions
            {
                Name = "many",
                Nodes = NodeCount,
                Site = site,
                Journal = JournalKind.PostgreSql,
                Encrypted = true,
                Binaries = Binaries.Find(),
                Services = [.. Enumerable.Range(0, services).Select(Service)],
            }));
            foreach (var node in cluster.Cluster.Nodes)
            {
                node.Start();
            }

            return cluster;
        }
        catch
        {
            site.Dispose();
            throw;
        }
    }

    /// <summary>Starts what holds the services, a third of them on each node.</summary>
    public void Hold()
    {
        foreach (var (index, node) in Cluster.Nodes.Index())
        {
            var names = Path.Combine(node.Directory, "held");
            File.WriteAllLines(names, Cluster.Options.Services.Where((_, number) => number % NodeCount == index).Select(service => service.Name));
            _holders[node.Name] = LaunchedProcess.Start(
                $"{node.Name} holders",
                Path.Combine(node.LogDirectory, "holders.log"),
                node.Directory,
                Cluster.EnvironmentOf(node.Name),
                [
                    .. _site.Enter(node.Name),
                    Environment.ProcessPath!, "holders",
                    "--socket", Path.Combine(Path.GetDirectoryName(node.Socket)!, "guard.sock"),
                    "--services", names,
                ]);
        }
    }

    /// <summary>The process that holds the services of a node.</summary>
    public LaunchedProcess HolderOf(ClusterNode node) => _holders[node.Name];

    /// <summary>What each service's owner is, with its epoch, as the owner's own daemon says.</summary>
    public async Task<IReadOnlyDictionary<string, (string Owner, long Epoch)>> Owned()
    {
        var owned = new Dictionary<string, (string, long)>();
        foreach (var node in Cluster.Nodes)
        {
            var result = await node.Clusterfs(StatusPatience, "status", "--json");
            foreach (var service in ClusterStatus.Parse(result.Successful().Output).Services)
            {
                if (service.IsOwned && service.Owner == node.Name && service.LeaseRemainingMs > 0)
                {
                    owned[service.Name] = (node.Name, service.Epoch);
                }
            }
        }

        return owned;
    }

    public async ValueTask DisposeAsync()
    {
        _site.Dispose();
        await Cluster.DisposeAsync();
    }

    private static LocalService Service(int number) => new(
        string.Create(CultureInfo.InvariantCulture, $"many{number:0000}"),
        // Beyond the end of the measurement: what a dump costs depends on what is dumped.
        TimeSpan.FromHours(1),
        _ => throw new InvalidOperationException("it is held, not run"));
}
