namespace ClusterFs.Configuration;

/// <summary>A service's live content.</summary>
/// <param name="Path">Absolute; a directory on a local disk, the same on every node.</param>
/// <param name="Capture">How a dump gets a consistent picture of it. Default <see cref="CaptureKind.Auto"/>.</param>
/// <param name="DumpEvery">From the start of one dump to the start of the next, at least. 100 ms to 1 d, default 5 s.</param>
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

/// <summary>Restores for the sake of knowing that they work, on the nodes that may own a service and do not.</summary>
/// <param name="Every">From one that went well to the next, on each node. 10 s to 365 d, default 7 d; null: never by itself.</param>
/// <param name="Check">A command, for /bin/sh, that looks at what was restored; null: it is restored, and that is all.</param>
/// <param name="CheckTimeout">1 s to 1 d, default 10 min.</param>
public sealed record RehearsalSettings(TimeSpan? Every, string? Check, TimeSpan CheckTimeout)
{
    public static RehearsalSettings Default { get; } = new(TimeSpan.FromDays(7), null, TimeSpan.FromMinutes(10));
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
