namespace ClusterFs.Ownership.Notifications;

/// <summary>Something that has happened and that somebody may want to be told of.</summary>
/// <param name="Service">Null for an event of no service.</param>
/// <param name="Node">Whom it is about; null where that is nobody in particular.</param>
/// <param name="Epoch">0 where it belongs to none.</param>
/// <param name="Cause">Of a grant: start, failover or move.</param>
/// <param name="Text">A sentence.</param>
/// <param name="At">By the wall clock of the node that tells it.</param>
public sealed record Notification(NotificationKind Kind, string? Service, string? Node, long Epoch, string? Cause, string Text, DateTimeOffset At)
{
    /// <summary>From the beginning of the fence to the running service.</summary>
    public double? DurationSeconds { get; init; }

    /// <summary>At most so much of what was written last is missing.</summary>
    public double? LostSeconds { get; init; }

    /// <inheritdoc cref="LostSeconds"/>
    public long? LostBytes { get; init; }
}

/// <summary>What somebody can be told of.</summary>
public enum NotificationKind
{
    /// <summary>A service runs on a node because the one before it was lost.</summary>
    Failover,

    /// <summary>A service runs where a planned move brought it.</summary>
    Moved,

    /// <summary>A service that had no owner runs.</summary>
    Started,

    /// <summary>An owner's lease ran out, or it ended without handing over.</summary>
    Lost,

    /// <summary>A move was given up.</summary>
    MoveAbandoned,

    /// <summary>The fence command was run.</summary>
    PowerFenced,

    /// <summary>A service never stayed up, and is left alone.</summary>
    LeftAlone,

    /// <summary>A service was paused.</summary>
    Paused,

    /// <summary>A service was resumed.</summary>
    Resumed,

    /// <summary>A service has had no owner for long.</summary>
    Vacant,

    /// <summary>A node kept what it had written and not dumped.</summary>
    Divergent,

    /// <summary>What is written has been in no dump for long.</summary>
    DumpOverdue,

    /// <summary>A rehearsal did not go well.</summary>
    RehearsalFailed,

    /// <summary>The daemon of a node has not been reached for long.</summary>
    NodeLost,

    /// <summary>A node that was told to be lost is reached again.</summary>
    NodeBack,

    /// <summary>The guard of a node has not answered its daemon for long.</summary>
    GuardLost,

    /// <summary>A guard that was told to be lost answers again.</summary>
    GuardBack,

    /// <summary>Somebody asked for it.</summary>
    Test,
}

/// <summary>When a state that lasts is an event.</summary>
public sealed record NotificationLimits(TimeSpan VacantAfter, TimeSpan OverdueAfter)
{
    /// <summary>Often enough for what begins to be told without much delay, beside the reports of the nodes.</summary>
    public TimeSpan LookEvery => TimeSpan.FromTicks(Math.Clamp(VacantAfter.Ticks / 4, TimeSpan.TicksPerSecond / 4, 10 * TimeSpan.TicksPerSecond));

    public static NotificationLimits Default { get; } = new(TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(5));
}
