using System.Collections.Immutable;

namespace ClusterFs.Configuration;

/// <summary>Everything that the configuration says, validated as a whole. Immutable; safe to share between threads.</summary>
/// <param name="Node">This node. From the local file.</param>
/// <param name="Cluster">The nodes and voters. The same on every node.</param>
/// <param name="Journal">Where ownership is remembered.</param>
/// <param name="Shared">The file system that all nodes share.</param>
/// <param name="Lease">The times of every service's lease.</param>
/// <param name="Tls">Who this node is to the others; null where they talk in clear text, on one machine.</param>
/// <param name="Services">By name; may be empty.</param>
public sealed record Settings(
    NodeSettings Node,
    ClusterSettings Cluster,
    JournalSettings Journal,
    SharedSettings Shared,
    LeaseSettings Lease,
    TlsSettings? Tls,
    ImmutableSortedDictionary<string, ServiceSettings> Services)
{
    /// <summary>The file that was loaded, as the caller named it.</summary>
    public string File { get; init; } = "";

    /// <summary>How a node's power is cut; null where it cannot be.</summary>
    public FenceSettings? Fence { get; init; }

    /// <summary>Who is told what happens to services that say nothing of it themselves; null: nobody.</summary>
    public NotificationSettings? Notify { get; init; }

    /// <summary>What seeded files are rendered with.</summary>
    public SeedingSettings Seeded { get; init; } = SeedingSettings.None;

    public TelemetrySettings Telemetry { get; init; } = TelemetrySettings.Off;

    /// <summary>What the HTTP port of this node lets people do.</summary>
    public HttpSettings Http { get; init; } = new((string?)null);

    /// <summary>From one look at config files on shared storage to the next. 100 ms to 1 h, default 2 s.</summary>
    public TimeSpan ConfigPollEvery { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How nodes follow what is published.</summary>
    public PublishingSettings Static { get; init; } = PublishingSettings.Default;

    /// <summary>Who is told what happens to a service; null: nobody.</summary>
    public NotificationSettings? NotifyOf(string service) => Services.GetValueOrDefault(service)?.Notify ?? Notify;

    /// <summary>The settings of a service that somebody named.</summary>
    /// <exception cref="ConfigurationException">No such service is configured; the message lists those that are.</exception>
    public ServiceSettings RequireService(string name)
    {
        if (Services.TryGetValue(name, out var service))
        {
            return service;
        }

        var expected = Services.IsEmpty
            ? "no service is configured"
            : $"{Suggestion.For(name, Services.Keys)}configured are {string.Join(", ", Services.Keys)}";
        throw new ConfigurationException(
            [new ConfigurationError(File, 0, "clusterfs.services", $"there is no service '{name}'", expected)]);
    }
}

/// <summary>This node.</summary>
/// <param name="Name">One of the names in <see cref="ClusterSettings.Nodes"/>.</param>
/// <param name="Address">Where the other nodes reach it: the address that <see cref="ClusterSettings.Nodes"/> gives it.</param>
/// <param name="StateDirectory">Absolute. Survives a restart of the machine; on a local disk. Default <c>/var/lib/clusterfs</c>.</param>
/// <param name="Socket">Absolute. Where the daemon answers the command line. Default <c>/run/clusterfs/clusterfs.sock</c>.</param>
public sealed record NodeSettings(string Name, string Address, string StateDirectory, string Socket)
{
    /// <summary>Where the guard answers the daemon, the command line and the processes beside the services.</summary>
    public string GuardSocket => Path.Combine(Path.GetDirectoryName(Socket)!, "guard.sock");

    /// <summary>What the node's seeded files were last rendered from, and what is left to do about them.</summary>
    public string SeededDirectory => Path.Combine(StateDirectory, "seeded");

    /// <summary>The local copies of shared configuration, and what is left to do about them: a directory per service and name.</summary>
    public string ConfigDirectory => Path.Combine(StateDirectory, "config");

    /// <summary>What is known of the directories that were published from this node.</summary>
    public string StaticDirectory => Path.Combine(StateDirectory, "static");

    /// <summary>The guard's own state: floors and the highest epochs consumed.</summary>
    public string GuardDirectory => Path.Combine(StateDirectory, "guard");

    /// <summary>Copies of the included files, for when the storage that they come from is away.</summary>
    public string ConfigurationCache => Path.Combine(StateDirectory, "config-cache");
}

/// <summary>The nodes of the cluster and how they reach one another.</summary>
/// <param name="Name">Names the cluster. Default <c>clusterfs</c>.</param>
/// <param name="Port">Of the daemons. 1 to 65535, default 4053.</param>
/// <param name="GuardPort">Of the guards. 1 to 65535, default 4054.</param>
/// <param name="HttpPort">Health. 1 to 65535, default 4080.</param>
/// <param name="Nodes">From a node's name to its address; 1 to 9 of them.</param>
/// <param name="Voters">
/// Names of nodes whose guards vote, and <c>sql</c> for the vote in the journal's database. Default: all nodes, and <c>sql</c> where their
/// number is even.
/// </param>
public sealed record ClusterSettings(
    string Name,
    int Port,
    int GuardPort,
    int HttpPort,
    ImmutableSortedDictionary<string, string> Nodes,
    ImmutableSortedSet<string> Voters);

/// <summary>Where ownership is remembered.</summary>
/// <param name="Provider">SQLite only when all nodes are on one machine.</param>
/// <param name="ConnectionString">As the provider's ADO.NET driver reads it. May hold a password: never logged.</param>
public sealed record JournalSettings(JournalProvider Provider, string ConnectionString)
{
    public override string ToString() => $"{nameof(JournalSettings)} {{ {nameof(Provider)} = {Provider} }}";
}

public enum JournalProvider
{
    Sqlite,
    PostgreSql,
}

/// <summary>The file system that all nodes share.</summary>
/// <param name="Path">Absolute; where it is mounted, the same on every node.</param>
public sealed record SharedSettings(string Path)
{
    /// <summary>The keys that archives are encrypted with, an absolute path; null when they are not.</summary>
    public string? KeyFile { get; init; }

    /// <summary>What the archives of all services are under.</summary>
    public string ArchiveDirectory => System.IO.Path.Combine(Path, "clusterfs", "archive");

    /// <summary>What the roll-outs of config files leave for the other nodes: a directory per service and name.</summary>
    public string ConfigDirectory => System.IO.Path.Combine(Path, "clusterfs", "config");
}

/// <summary>The times of every service's lease.</summary>
/// <param name="Ttl">How long a voter's promise runs. 500 ms to 1 h, default 5 s.</param>
/// <param name="StopBudget">The guard's time to stop a service whose lease runs out. 50 ms to under half the TTL, default 1500 ms.</param>
public sealed record LeaseSettings(TimeSpan Ttl, TimeSpan StopBudget);

/// <summary>A fence agent: a program that cuts a node's power, or restarts it by force.</summary>
/// <param name="Command">Absolute. Reads its options from standard input, and ends with 0 when it succeeded.</param>
/// <param name="Action">What it is told to do. Default <see cref="FenceAction.Reboot"/>.</param>
/// <param name="Timeout">Then it is killed, and has failed. 1 s to 10 min, default 30 s.</param>
/// <param name="Nodes">By node, further options; empty: every node can be fenced, without any. May hold passwords: never logged.</param>
public sealed record FenceSettings(
    string Command,
    FenceAction Action,
    TimeSpan Timeout,
    ImmutableSortedDictionary<string, ImmutableSortedDictionary<string, string>> Nodes)
{
    public override string ToString() => $"{nameof(FenceSettings)} {{ {nameof(Command)} = {Command}, {nameof(Action)} = {Action} }}";
}

public enum FenceAction
{
    Off,
    Reboot,
}

/// <summary>What the nodes prove to one another who they are with: mutual TLS, between guards and between daemons.</summary>
/// <param name="Authority">Absolute. The certificate, in PEM, of the authority that signed every node's; no other is trusted.</param>
/// <param name="Certificate">Absolute. This node's certificate, in PEM; the node's name is one of its DNS names.</param>
/// <param name="Key">Absolute. The certificate's private key, in PEM.</param>
public sealed record TlsSettings(string Authority, string Certificate, string Key);

/// <summary>What is sent to other programs by itself. Metrics are not: they are asked for.</summary>
/// <param name="OtlpEndpoint">Where traces go, by OTLP over HTTP, ending in a slash; null for nowhere.</param>
public sealed record TelemetrySettings(Uri? OtlpEndpoint)
{
    public static TelemetrySettings Off { get; } = new((Uri?)null);
}

/// <summary>The HTTP port of a node.</summary>
/// <param name="TokenFile">Absolute. Who knows what is in it may act from the status page; null: nobody may.</param>
public sealed record HttpSettings(string? TokenFile);

/// <summary>How nodes follow what is published.</summary>
/// <param name="PollEvery">From one look at shared storage to the next. 100 ms to 1 h, default 2 s.</param>
/// <param name="SwitchTimeout">How long nodes that are ready wait for those that are not. 1 s to 1 h, default 30 s.</param>
public sealed record PublishingSettings(TimeSpan PollEvery, TimeSpan SwitchTimeout)
{
    public static PublishingSettings Default { get; } = new(TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(30));
}

/// <summary>What all seeded files are rendered with.</summary>
/// <param name="PollEvery">From one look at the templates to the next. 100 ms to 1 h, default 2 s.</param>
/// <param name="Variables">The site's own names and their values.</param>
/// <param name="Nodes">By node, other values for some of these names.</param>
public sealed record SeedingSettings(
    TimeSpan PollEvery,
    ImmutableSortedDictionary<string, string> Variables,
    ImmutableSortedDictionary<string, ImmutableSortedDictionary<string, string>> Nodes)
{
    /// <summary>Names that every template has, and that cannot be given another value.</summary>
    public const string HostName = "HOSTNAME";

    /// <inheritdoc cref="HostName"/>
    public const string Node = "NODE";

    /// <inheritdoc cref="HostName"/>
    public const string Address = "ADDRESS";

    /// <inheritdoc cref="HostName"/>
    public const string Service = "SERVICE";

    public static readonly TimeSpan DefaultPollEvery = TimeSpan.FromSeconds(2);

    /// <summary>No variables of the site's own.</summary>
    public static SeedingSettings None { get; } = new(
        DefaultPollEvery,
        ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal),
        ImmutableSortedDictionary.Create<string, ImmutableSortedDictionary<string, string>>(StringComparer.Ordinal));
}
