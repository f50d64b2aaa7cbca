using System.Collections.Immutable;
using ClusterFs.Configuration;

namespace ClusterFs.Guard;

/// <summary>What a guard has to know of the configuration.</summary>
/// <param name="Address">Where the other guards reach this one; an IP address.</param>
/// <param name="Port">The guards' port, the same on every node.</param>
/// <param name="Socket">The Unix socket of this node's guard.</param>
/// <param name="Directory">Where the guard keeps its state. On a local disk; survives a restart of the machine.</param>
/// <param name="LongestTtl">The longest TTL configured: what a voter may have promised before its state was written down.</param>
/// <param name="Nodes">The addresses of all nodes by name, this one included.</param>
public sealed record GuardSettings(
    string Cluster,
    string Node,
    string Address,
    int Port,
    string Socket,
    string Directory,
    TimeSpan LongestTtl,
    ImmutableSortedDictionary<string, string> Nodes,
    ImmutableSortedDictionary<string, GuardedService> Services)
{
    /// <summary>Who this node is to the others; null for clear text between loopback addresses.</summary>
    public MutualTls? Tls { get; init; }

    /// <summary>Whose database the voter <c>sql</c> is in; null where there is none to ask.</summary>
    public JournalSettings? Journal { get; init; }

    /// <summary>How long a dead service's lease is kept for a daemon that is away to come back and take the last dump.</summary>
    public TimeSpan DaemonPatience { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>The same when the guard itself is being stopped.</summary>
    public TimeSpan DaemonPatienceAtEnd { get; init; } = TimeSpan.FromSeconds(3);

    /// <exception cref="ConfigurationException">The certificates of <c>clusterfs.tls</c> cannot be used.</exception>
    public static GuardSettings Of(Settings settings) => new(
        settings.Cluster.Name,
        settings.Node.Name,
        settings.Node.Address,
        settings.Cluster.GuardPort,
        settings.Node.GuardSocket,
        settings.Node.GuardDirectory,
        settings.Lease.Ttl,
        settings.Cluster.Nodes,
        settings.Services.Values
            .Where(service => service.Nodes.Contains(settings.Node.Name))
            .ToImmutableSortedDictionary(
                service => service.Name,
                service => new GuardedService(
                    service.Name, service.StopTimeout, settings.Lease.StopBudget, service.Unit, service.PidFile)
                {
                    OnLost = service.OnLost,
                    Addresses = service.Addresses,
                },
                StringComparer.Ordinal))
    {
        Tls = MutualTls.Load(settings),
        Journal = settings.Journal,
    };
}

/// <summary>A service as the guard sees it.</summary>
/// <param name="StopTimeout">What it has to end by itself at a planned stop.</param>
/// <param name="StopBudget">What it has to end by itself when its first process has ended and left others behind.</param>
/// <param name="Unit">The systemd unit that it runs as, when it is held, not run.</param>
/// <param name="PidFile">Where it writes its process id, when it is held, not run.</param>
public sealed record GuardedService(string Name, TimeSpan StopTimeout, TimeSpan StopBudget, string? Unit = null, string? PidFile = null)
{
    /// <summary>What becomes of it when its lease runs out and it does not end by itself in time.</summary>
    public OnLost OnLost { get; init; }

    /// <summary>What is on this node while it runs here.</summary>
    public ImmutableArray<FloatingAddress> Addresses { get; init; } = [];
}
