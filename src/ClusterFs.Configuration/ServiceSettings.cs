using System.Collections.Immutable;
using System.Globalization;

namespace ClusterFs.Configuration;

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

    /// <summary>Its addresses, which are on the node that runs it. Default: none.</summary>
    public ImmutableArray<FloatingAddress> Addresses { get; init; } = [];

    /// <summary>Who is told what happens to it; null: as <see cref="Settings.Notify"/> says.</summary>
    public NotificationSettings? Notify { get; init; }

    /// <summary>Its log files; null where ClusterFs does not look after them.</summary>
    public LogsSettings? Logs { get; init; }

    /// <summary>Its seeded files, by path; on each of its nodes.</summary>
    public ImmutableArray<SeededSettings> Seeded { get; init; } = [];

    /// <summary>Its config files, by name; on each of its nodes.</summary>
    public ImmutableArray<ConfigSettings> Config { get; init; } = [];

    /// <summary>Its static contents, by name; each of its nodes serves them.</summary>
    public ImmutableArray<StaticSettings> Static { get; init; } = [];
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
