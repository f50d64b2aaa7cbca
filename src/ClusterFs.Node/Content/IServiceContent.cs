using ClusterFs.Archive.Lineage;
using ClusterFs.Archive.Rehearsal;
using ClusterFs.Node.Agents;

namespace ClusterFs.Node.Content;

/// <summary>One service's content and archive, to its agent. Every call blocks on disks, and those but one on shared storage, which may
/// hang for ever: each is made on a thread of its own.</summary>
internal interface IServiceContent
{
    /// <summary>Does a piece of work and says how it went; throws nothing.</summary>
    /// <param name="progress">What it is doing, in a few words.</param>
    WorkResult Do(WorkKind kind, long epoch, Action<string> progress);

    /// <summary>Brings this node's standby copy to the newest dump; throws nothing. Only while this node does not own the service.</summary>
    /// <param name="toldOf">A slot of the log that is known to be taken; 0 when none is.</param>
    /// <param name="progress">How far it is, in a few words.</param>
    FollowSeen Follow(long toldOf, Action<string> progress, CancellationToken cancellation);

    /// <summary>Gives up the standby copy of a service that is to have none.</summary>
    void DropStandby();

    /// <summary>
    /// Restores the newest dump out of the archive to see that it can be restored, and deletes that again; throws nothing. Neither live content nor
    /// standby copy is touched, and nothing waits for it.
    /// </summary>
    /// <param name="progress">How far the restore is, in a few words; null when it is done and the check runs.</param>
    RehearsalSeen Rehearse(Action<string?> progress, CancellationToken cancellation);

    /// <summary>What is remembered of this node's rehearsals. Deletes what one left that was cut short. Looks at local disks only.</summary>
    RehearsalHistory LookAtRehearsals();

    /// <summary>What differs from the newest dump. Looks at local disks only.</summary>
    RiskSeen LookForRisk();

    /// <summary>What is in the archive, as far as people are shown it.</summary>
    ArchiveSeen LookAtArchive();
}

/// <summary>How a piece of work went.</summary>
/// <param name="Problem">Why it failed; null when it did not.</param>
/// <param name="Newest">The newest dump in the line, where the work saw it.</param>
/// <param name="Explanation">What was done, for the log.</param>
internal sealed record WorkResult(
    WorkOutcome Outcome, string? Problem, DumpSeen? Newest, long AddedBytes, string? Guarantee, string? Explanation)
{
    /// <summary>What somebody has to look at although it went well; null when nothing.</summary>
    public string? Warning { get; init; }

    /// <summary>What is kept of large files after a dump; null after other work.</summary>
    public KeptFigures? Kept { get; init; }
}

/// <summary>How following went.</summary>
/// <param name="Copy">The dump that the copy is; null when there is no copy, or it is not known.</param>
/// <param name="Problem">Why it failed; null when it did not.</param>
/// <param name="Cancelled">It was told to stop, and is to be tried again when it may.</param>
internal sealed record FollowSeen(DumpSeen? Copy, string? Problem, bool Cancelled);

/// <summary>How a rehearsal went; with neither, it was cancelled, or there was nothing to rehearse.</summary>
/// <param name="Report">What it found; null when it did not come to that.</param>
/// <param name="Problem">Why it did not; null when nothing was in its way.</param>
internal sealed record RehearsalSeen(RehearsalReport? Report, string? Problem);

/// <summary>A dump in the line.</summary>
internal sealed record DumpSeen(long Epoch, long Slot, DateTimeOffset At, long Bytes);

/// <param name="Problem">Why nothing is known; null when it is.</param>
internal sealed record RiskSeen(bool Changed, long Bytes, string? Problem);

/// <param name="Divergent">How many contents are kept outside the line; null when that could not be read.</param>
internal sealed record ArchiveSeen(DumpSeen? Newest, int? Divergent);
