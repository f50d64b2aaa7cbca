namespace ClusterFs.Archive.Capture;

/// <summary>How live content is captured.</summary>
public sealed record CaptureSettings(CaptureMode Mode)
{
    /// <summary>Whether large files are kept as they were dumped, so that the next dump finds what has changed without reading them.</summary>
    public bool KeepsBlocks { get; init; }

    /// <summary>
    /// What a write may take. The kernel stamps a file when a write begins, so what it writes after somebody has looked shows in no time: a file
    /// changed so shortly before is read once more.
    /// </summary>
    internal TimeSpan LongestWrite { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>With <see cref="CaptureMode.Hooks"/>, and only then.</summary>
    public CaptureHooks? Hooks { get; init; }

    /// <summary>With <see cref="CaptureMode.Command"/>, and only then.</summary>
    public CaptureCommand? Command { get; init; }
}

/// <summary>Commands around a dump, for /bin/sh, in the live directory.</summary>
/// <param name="Quiesce">Makes the service write what it has and stand still.</param>
/// <param name="Resume">Lets it go on. Runs after every <paramref name="Quiesce"/>, however that ended; so it must do no harm to a service that goes.</param>
/// <param name="Timeout">Of each of the two; then all that it started is killed, and it has failed.</param>
/// <param name="Limit">How long the service may stand still, from the end of <paramref name="Quiesce"/>: then it is let go, and the dump fails.</param>
public sealed record CaptureHooks(string Quiesce, string Resume, TimeSpan Timeout, TimeSpan Limit);

/// <summary>A command that writes a consistent copy of the content into the empty directory CLUSTERFS_TARGET, in which it is run by /bin/sh.</summary>
/// <param name="Timeout">Then all that it started is killed, and it has failed.</param>
public sealed record CaptureCommand(string Text, TimeSpan Timeout);
