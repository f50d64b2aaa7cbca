using System.Text.Json.Serialization;

namespace ClusterFs.Archive.Rehearsal;

/// <summary>What a rehearsal found.</summary>
/// <param name="Sequence">The dump that was restored; its slot.</param>
/// <param name="At">When it ended, by this node's wall clock.</param>
/// <param name="RestoreSeconds">How long the restore took, as far as it came.</param>
/// <param name="CheckSeconds">How long the check took; null when none was run.</param>
/// <param name="Problem">Why the dump could not be restored, or what is wrong with it; null when all went well.</param>
public sealed record RehearsalReport(
    long Sequence, DateTimeOffset At, long Bytes, double RestoreSeconds, double? CheckSeconds, string? Problem)
{
    /// <summary>Restored, and its check, where there is one, says that it is right.</summary>
    [JsonIgnore]
    public bool Passed => Problem is null;

    /// <summary>Of restore and check together.</summary>
    [JsonIgnore]
    public double Seconds => RestoreSeconds + (CheckSeconds ?? 0);
}

/// <summary>The newest rehearsals on one node.</summary>
/// <param name="Last">However it ended; null when there was none.</param>
/// <param name="LastPassed">The newest that went well; null when none did.</param>
public sealed record RehearsalHistory(RehearsalReport? Last, RehearsalReport? LastPassed)
{
    public static RehearsalHistory None { get; } = new(null, null);

    /// <summary>With one more.</summary>
    public RehearsalHistory With(RehearsalReport report) => new(report, report.Passed ? report : LastPassed);
}

/// <summary>A command that looks at restored content, for /bin/sh.</summary>
/// <param name="Text">Run in the restored directory, which is named by CLUSTERFS_RESTORED; ends with 0 when the content is right.</param>
/// <param name="Timeout">Then all that it started is killed, and it has failed.</param>
public sealed record RehearsalCheck(string Text, TimeSpan Timeout);

/// <summary>Another process rehearses there. Nothing was done.</summary>
public sealed class RehearsalUnderWayException(string place)
    : ArchiveException($"Another rehearsal is under way in {place}. Wait for it to end.");
