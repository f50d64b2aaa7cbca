using System.Collections.Immutable;
using System.Globalization;

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

    /// <summary>What seeded files are rendered with.</summary>
    public SeedingSettings Seeded { get; init; } = SeedingSettings.None;

    public TelemetrySettings Telemetry { get; init; } = TelemetrySettings.Off;

    /// <summary>What the HTTP port of this node lets people do.</summary>
    public HttpSettings Http { get; init; } = new((string?)null);

    /// <summary>From one look at config files on shared storage to the next. 100 ms to 1 h, default 2 s.</summary>
    public TimeSpan ConfigPollEvery { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How nodes follow what is published.</summary>
    public PublishingSettings Static { get; init; } = PublishingSettings.Default;

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

/// <summary>A service: what owns live content.</summary>
/// <param name="Name">Lower-case letters, digits and hyphens.</param>
/// <param name="Nodes">Where it may run, the preferred node first. Default: all nodes, by name.</param>
/// <param name="Live">Its live content.</param>
/// <param name="Unit">The systemd unit that it runs as, if any.</param>
/// <param name="PidFile">Absolute. Where it writes its process id, if it does.</param>
/// <param name="Failover">When it is left alone.</param>
/// <param name="StopTimeout">What it has to end by itself at a planned stop, before it is killed. 100 ms to 1 h, default 10 s.</param>
/// <param name="OnLost">What becomes of it when its lease is lost and it does not end by itself in time. Default <see cref="OnLost.Kill"/>.</param>
public sealed record ServiceSettings(
    string Name,
    ImmutableArray<string> Nodes,
    LiveSettings Live,
    string? Unit,
    string? PidFile,
    FailoverSettings Failover,
    TimeSpan StopTimeout,
    OnLost OnLost)
{
    /// <summary>When it goes back to the first of its nodes. Default: never.</summary>
    public FailbackSettings Failback { get; init; } = FailbackSettings.Never;

    /// <summary>It is started only while these run, wherever they do. Default: none.</summary>
    public ImmutableArray<string> DependsOn { get; init; } = [];

    /// <summary>It is kept on the node of these. Default: none.</summary>
    public ImmutableArray<string> With { get; init; } = [];

    /// <summary>Those that are kept on one node, itself among them, in the order in which they go there; empty where it is alone.</summary>
    public ImmutableArray<string> Together { get; init; } = [];

    /// <summary>Its log files; null where ClusterFs does not look after them.</summary>
    public LogsSettings? Logs { get; init; }

    /// <summary>Its seeded files, by path; on each of its nodes.</summary>
    public ImmutableArray<SeededSettings> Seeded { get; init; } = [];

    /// <summary>Its config files, by name; on each of its nodes.</summary>
    public ImmutableArray<ConfigSettings> Config { get; init; } = [];

    /// <summary>Its static contents, by name; each of its nodes serves them.</summary>
    public ImmutableArray<StaticSettings> Static { get; init; } = [];
}

/// <summary>A service's log files: kept on shared storage, in a directory of each node.</summary>
/// <param name="Links">Absolute; what the service calls the directories that it writes its logs to. At least one, with names that differ.</param>
/// <param name="FileName">How the service writes the node's name into the names of its logs; null where it does not. See <see cref="FileNamePatterns"/>.</param>
/// <param name="TimePattern">Its own form of time stamps; null for the usual ones. See <see cref="TimePatterns"/>.</param>
/// <param name="Reopen">A command, for /bin/sh, that makes the service open its logs anew; null for none.</param>
public sealed record LogsSettings(ImmutableArray<string> Links, string? FileName, string? TimePattern, string? Reopen);

/// <summary>A file that is rendered on each node from a template on shared storage.</summary>
/// <param name="Path">Absolute; on a local disk.</param>
/// <param name="Template">Relative to <see cref="SharedSettings.Path"/>; does not lead out of it.</param>
public sealed record SeededSettings(string Path, string Template)
{
    /// <summary>A name or number; null for that of the file that is replaced.</summary>
    public string? Owner { get; init; }

    /// <summary>A name or number; null for that of the file that is replaced.</summary>
    public string? Group { get; init; }

    /// <summary>Permission bits, 0 to 07777; null for those of the file that is replaced, 0644 for a new one.</summary>
    public uint? Mode { get; init; }

    /// <summary>For /bin/sh: whether the staged file is good. Null: it is not asked.</summary>
    public string? Check { get; init; }

    /// <summary>Then it is killed, and has failed. 100 ms to 1 h, default 30 s.</summary>
    public TimeSpan CheckTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>For /bin/sh: has the new file read. Null: nobody has to be told.</summary>
    public string? Reload { get; init; }

    /// <summary>Then it is killed, and has failed. 100 ms to 1 h, default 30 s.</summary>
    public TimeSpan ReloadTimeout { get; init; } = TimeSpan.FromSeconds(30);
}

/// <summary>A file or directory of configuration on shared storage that each node uses a checked copy of.</summary>
/// <param name="Name">Lower-case letters, digits and hyphens.</param>
/// <param name="Source">Relative to <see cref="SharedSettings.Path"/>; does not lead out of it.</param>
/// <param name="Kind">How a program on the node comes to read the copy.</param>
/// <param name="Target">Absolute; on a local disk: what it is included in, linked from or copied to.</param>
public sealed record ConfigSettings(string Name, string Source, ConfigKind Kind, string Target)
{
    /// <summary>Stands for the copy's path in <see cref="Include"/>.</summary>
    public const string PathPlace = "%PATH%";

    /// <summary>Stands for the words in <see cref="Comment"/>.</summary>
    public const string TextPlace = "%TEXT%";

    /// <summary>The line that includes it. Default: <c>include %PATH%;</c>.</summary>
    public string Include { get; init; } = $"include {PathPlace};";

    /// <summary>How a comment is written: what begins it, or all of it around %TEXT%. Default: <c>#</c>.</summary>
    public string Comment { get; init; } = "#";

    /// <summary>A line of the target, apart from blanks around it, that the block comes after; null: it comes at the end.</summary>
    public string? After { get; init; }

    /// <summary>For /bin/sh: whether the staged version is good. Null: it is not asked.</summary>
    public string? Check { get; init; }

    /// <summary>Then it is killed, and has failed. 100 ms to 1 h, default 30 s.</summary>
    public TimeSpan CheckTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>For /bin/sh: has the new version read. Null: nobody has to be told.</summary>
    public string? Reload { get; init; }

    /// <summary>Then it is killed, and has failed. 100 ms to 1 h, default 30 s.</summary>
    public TimeSpan ReloadTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>For /bin/sh: whether what reads it is well. Null: it is not asked.</summary>
    public string? Healthy { get; init; }

    /// <summary>By then it has to be, or has failed. 100 ms to 1 h, default 30 s.</summary>
    public TimeSpan HealthyWithin { get; init; } = TimeSpan.FromSeconds(30);
}

/// <summary>How a program comes to read shared configuration.</summary>
public enum ConfigKind
{
    /// <summary>A marked block in its own configuration includes it.</summary>
    Include,

    /// <summary>A symbolic link leads to it.</summary>
    Link,

    /// <summary>It is copied to where the program reads it.</summary>
    Copy,
}

/// <summary>Static content of a service: published in generations, and served by every node of the service.</summary>
/// <param name="Name">Lower-case letters, digits and hyphens; of its own within the service.</param>
/// <param name="Path">Absolute; what is served: a link that the daemon keeps there.</param>
public sealed record StaticSettings(string Name, string Path)
{
    /// <summary>What each node keeps of it. Default <see cref="CacheKind.None"/>.</summary>
    public CacheKind Cache { get; init; } = CacheKind.None;

    /// <summary>
    /// How much a node copies of a generation, in bytes; the rest is served from shared storage. 1 MiB to 1 PiB; null, the default, for all of it. Only with
    /// <see cref="CacheKind.Local"/>.
    /// </summary>
    public long? Budget { get; init; }

    /// <summary>Whether nodes need generations as plain files on shared storage.</summary>
    public bool IsServedFromShared => Cache == CacheKind.None || Budget is not null;

    /// <summary>How many generations stay on shared storage. 2 to 1,000, default 5.</summary>
    public int Keep { get; init; } = DefaultKeep;

    public const int DefaultKeep = 5;
}

/// <summary>What a node keeps of static content.</summary>
public enum CacheKind
{
    /// <summary>Nothing: it is served from shared storage.</summary>
    None,

    /// <summary>A copy beside the path that is served.</summary>
    Local,
}

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

/// <summary>What becomes of a service whose lease is lost and that does not end by itself in time.</summary>
public enum OnLost
{
    /// <summary>It is killed.</summary>
    Kill,

    /// <summary>It is frozen, so that it can be looked at, and killed before anything of it starts again. Only under <c>clusterfs run</c>.</summary>
    Freeze,

    /// <summary>It is killed, and if it survives even that, its node is rebooted without syncing anything.</summary>
    Reboot,
}

/// <summary>When a service that does not stay up is left alone until somebody has looked.</summary>
/// <param name="Max">After so many starts in a row that did not last. 0 (never) to 100, default 5.</param>
/// <param name="StableAfter">A start has lasted when the service runs for so long. 1 s to 7 d, default 10 min.</param>
public sealed record FailoverSettings(int Max, TimeSpan StableAfter);

/// <summary>When a service goes back to the first of its nodes, by a planned move.</summary>
public sealed record FailbackSettings(FailbackKind Kind)
{
    public static FailbackSettings Never { get; } = new(FailbackKind.Never);

    /// <summary>With <see cref="FailbackKind.After"/>: that node could have had it for so long. 1 s to 30 d.</summary>
    public TimeSpan After { get; init; }

    /// <summary>With <see cref="FailbackKind.Window"/>: a time of day, local to the node that decides on the service.</summary>
    public TimeOnly From { get; init; }

    /// <summary>Before <see cref="From"/> where midnight is in the window; never the same.</summary>
    public TimeOnly Until { get; init; }

    /// <summary>As it is written in the configuration.</summary>
    public override string ToString() => Kind switch
    {
        FailbackKind.After => $"after:{Durations.Show(After)}",
        FailbackKind.Window => string.Create(CultureInfo.InvariantCulture, $"window:{From:HH:mm}-{Until:HH:mm}"),
        _ => Kind.ToString().ToLowerInvariant(),
    };
}

public enum FailbackKind
{
    /// <summary>It stays where it is.</summary>
    Never,

    /// <summary>It stays, and status says that it could go back.</summary>
    Manual,

    /// <summary>After a time.</summary>
    After,

    /// <summary>In a part of the day.</summary>
    Window,
}

/// <summary>A service's live content.</summary>
/// <param name="Path">Absolute; a directory on a local disk, the same on every node.</param>
/// <param name="Capture">How a dump gets a consistent picture of it. Default <see cref="CaptureKind.Auto"/>.</param>
/// <param name="DumpEvery">From the start of one dump to the start of the next. 100 ms to 1 d, default 5 s.</param>
/// <param name="Retention">Which of its dumps stay.</param>
public sealed record LiveSettings(string Path, CaptureKind Capture, TimeSpan DumpEvery, RetentionSettings Retention)
{
    /// <summary>With <see cref="CaptureKind.Hooks"/>, and only then.</summary>
    public HookSettings? Hooks { get; init; }

    /// <summary>With <see cref="CaptureKind.Command"/>, and only then.</summary>
    public CaptureCommandSettings? Command { get; init; }

    /// <summary>What nodes do that do not own the service. Default <see cref="StandbyKind.Warm"/>.</summary>
    public StandbyKind Standby { get; init; }

    /// <summary>Whether the owner keeps clones of large files. Default <see cref="BlockKeeping.Auto"/>.</summary>
    public BlockKeeping KeepBlocks { get; init; }

    /// <summary>How it is proven that the service could be restored.</summary>
    public RehearsalSettings Rehearsal { get; init; } = RehearsalSettings.Default;
}

/// <summary>Restores for the sake of knowing that they work, on the nodes that may own a service and do not.</summary>
/// <param name="Every">From one that went well to the next, on each node. 10 s to 365 d, default 7 d; null: never by itself.</param>
/// <param name="Check">A command, for /bin/sh, that looks at what was restored; null: it is restored, and that is all.</param>
/// <param name="CheckTimeout">1 s to 1 d, default 10 min.</param>
public sealed record RehearsalSettings(TimeSpan? Every, string? Check, TimeSpan CheckTimeout)
{
    public static RehearsalSettings Default { get; } = new(TimeSpan.FromDays(7), null, TimeSpan.FromMinutes(10));
}

/// <summary>Commands around a dump, for /bin/sh.</summary>
/// <param name="Quiesce">Makes the service write what it has and stand still.</param>
/// <param name="Resume">Lets it go on.</param>
/// <param name="Timeout">Of each of the two. 100 ms to 1 h, default 10 s.</param>
/// <param name="Limit">How long the service may stand still; then it is let go, and the dump fails. 1 s to 1 h, default 1 min.</param>
public sealed record HookSettings(string Quiesce, string Resume, TimeSpan Timeout, TimeSpan Limit);

/// <summary>A command, for /bin/sh, that writes a consistent copy of the content.</summary>
/// <param name="Timeout">1 s to 1 d, default 10 min.</param>
public sealed record CaptureCommandSettings(string Command, TimeSpan Timeout);

/// <summary>Whether large files are kept as they were dumped, so that the next dump finds what has changed by where it lies.</summary>
public enum BlockKeeping
{
    /// <summary>Where the file system shares blocks between files, and there is room.</summary>
    Auto,

    /// <summary>Never: files that changed are read whole.</summary>
    Off,
}

/// <summary>What the nodes that may own a service, and do not, keep of its live content.</summary>
public enum StandbyKind
{
    /// <summary>A copy of the newest dump, beside the live content: a takeover is a rename, and takes twice the space.</summary>
    Warm,

    /// <summary>Nothing but what they had: a takeover fetches what differs.</summary>
    None,
}

/// <summary>
/// Which dumps stay: the newest, and the last one of each of the newest hours, days, … of UTC that have any. With all of them 0, all stay.
/// </summary>
/// <param name="KeepLast">0 to 100,000, default 60; the others likewise.</param>
/// <param name="KeepHourly">Default 24.</param>
/// <param name="KeepDaily">Default 14.</param>
/// <param name="KeepWeekly">Default 8.</param>
/// <param name="KeepMonthly">Default 12.</param>
/// <param name="KeepYearly">Default 0.</param>
public sealed record RetentionSettings(int KeepLast, int KeepHourly, int KeepDaily, int KeepWeekly, int KeepMonthly, int KeepYearly);

/// <summary>How a dump gets a consistent picture of live content.</summary>
public enum CaptureKind
{
    /// <summary>
    /// As <see cref="Snapshot"/> on btrfs; elsewhere SQLite databases through SQLite where SQLite can read them, everything else by copying.
    /// </summary>
    Auto,

    /// <summary>SQLite databases through SQLite, and one that SQLite cannot read fails the dump; everything else by copying.</summary>
    Sqlite,

    /// <summary>Plain copies of files: each may have changed while it was read.</summary>
    Copy,

    /// <summary>A btrfs snapshot: all files as of one moment.</summary>
    Snapshot,

    /// <summary>A command makes the service stand still meanwhile: see <see cref="LiveSettings.Hooks"/>.</summary>
    Hooks,

    /// <summary>A command writes a copy, which is dumped: see <see cref="LiveSettings.Command"/>.</summary>
    Command,
}

/// <summary>What is sent to other programs by itself. Metrics are not: they are asked for.</summary>
/// <param name="OtlpEndpoint">Where traces go, by OTLP over HTTP, ending in a slash; null for nowhere.</param>
public sealed record TelemetrySettings(Uri? OtlpEndpoint)
{
    public static TelemetrySettings Off { get; } = new((Uri?)null);
}

/// <summary>The HTTP port of a node.</summary>
/// <param name="TokenFile">Absolute. Who knows what is in it may act from the status page; null: nobody may.</param>
public sealed record HttpSettings(string? TokenFile);
