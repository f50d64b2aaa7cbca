namespace ClusterFs.Demo.Layout;

/// <summary>The shape of a cluster on this machine.</summary>
public sealed record LocalClusterOptions
{
    /// <summary>Goes into the directory's name and the cluster's.</summary>
    public required string Name { get; init; }

    /// <summary>1 to 9.</summary>
    public int Nodes { get; init; } = 3;

    /// <summary>The first three bytes of the nodes' addresses; null for a range that nobody else here uses.</summary>
    public string? AddressPrefix { get; init; }

    /// <summary>Null for one on loopback addresses.</summary>
    public ClusterSite? Site { get; init; }

    public TimeSpan Ttl { get; init; } = TimeSpan.FromSeconds(5);

    public TimeSpan StopBudget { get; init; } = TimeSpan.FromMilliseconds(1500);

    public JournalKind Journal { get; init; } = JournalKind.Sqlite;

    /// <summary>Mutual TLS between the nodes, with certificates that <c>clusterfs certificates</c> makes.</summary>
    public bool Encrypted { get; init; }

    /// <summary>After so many starts in a row a service is left alone; 0 for a cluster whose services are killed all the time.</summary>
    public int FailoverMax { get; init; } = 5;

    /// <summary>A fence agent that can reach every node; null for none.</summary>
    public string? FenceCommand { get; init; }

    /// <summary>Further settings of the whole cluster, as they are written in the shared configuration.</summary>
    public string Settings { get; init; } = "";

    public required IReadOnlyList<LocalService> Services { get; init; }

    /// <summary>Where the scratch directory is made. Paths of Unix sockets have to stay under 108 bytes.</summary>
    public string Parent { get; init; } = Path.GetTempPath();

    /// <summary>Where the executables are.</summary>
    public required Binaries Binaries { get; init; }
}

public enum JournalKind
{
    Sqlite,

    /// <summary>A private server that is started for this cluster.</summary>
    PostgreSql,
}

/// <summary>A service of the cluster; every node may run it.</summary>
/// <param name="Name">As the configuration allows it.</param>
/// <param name="DumpEvery">From the start of one dump to the start of the next.</param>
/// <param name="Command">What <c>clusterfs run</c> starts on a node.</param>
/// <param name="Settings">Further lines for its block of the configuration.</param>
public sealed record LocalService(
    string Name,
    TimeSpan DumpEvery,
    Func<ClusterNode, IReadOnlyList<string>> Command,
    string Settings = "");
