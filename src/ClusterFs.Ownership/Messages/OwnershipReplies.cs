using ClusterFs.Ownership.Wire;

namespace ClusterFs.Ownership.Messages;

/// <summary>What the ownership of a service looks like from outside.</summary>
/// <param name="Owner">The node that may write, or may still write; null when none may.</param>
/// <param name="Epoch">The newest that was granted or is being fenced; 0 before the first.</param>
/// <param name="Tenure">The epoch that the newest owner's ownership began with, and that it claimed in the archive; 0 before the first.</param>
/// <param name="Candidates">The nodes on which something waits for the service, most wanted first.</param>
/// <param name="Reason">Why it is not owned, for people; null when it is.</param>
/// <param name="MovingTo">The target of a planned move that is under way.</param>
/// <param name="Sights">What each node said last.</param>
public sealed record OwnershipView(
    string Service,
    OwnershipStage Stage,
    string? Owner,
    long Epoch,
    long Tenure,
    string[] Candidates,
    string? Reason,
    string? MovingTo,
    bool Paused,
    NodeSight[] Sights) : IWireMessage
{
    /// <summary>The newest owner was granted the service because the one before it was lost, or ended without having handed over.</summary>
    public bool FailedOver { get; init; }

    /// <summary>The service did not stay up and is left alone until resumed.</summary>
    public bool Damped { get; init; }
}

public enum OwnershipStage
{
    Vacant,
    Fencing,
    Restoring,
    Owned,
    Draining,
    Paused,
}

/// <summary>What one node shows of a service to people; nothing is decided by it.</summary>
/// <param name="LeaseRemainingMs">Zero when the node holds no valid lease.</param>
/// <param name="LastDumpSlot">The newest dump's place in the log; 0 when there is none known.</param>
/// <param name="AtRiskSeconds">The time since a moment whose content is all in the archive: a loss of the node costs no more than that.</param>
/// <param name="DumpProblem">Why the newest dump failed; null when it did not.</param>
/// <param name="Divergent">How many contents are kept outside the line, in the archive that all nodes share; or <see cref="NotLooked"/>.</param>
/// <param name="Activity">What the node is doing about the service: restoring, dumping and how far; null when nothing.</param>
public sealed record NodeSight(
    string Node,
    long LeaseRemainingMs,
    long LastDumpEpoch,
    long LastDumpSlot,
    DateTimeOffset? LastDumpAt,
    long LastDumpBytes,
    double AtRiskSeconds,
    long AtRiskBytes,
    bool AtRiskKnown,
    string? DumpProblem,
    int Divergent,
    string? Activity)
{
    /// <summary>For <see cref="Divergent"/>: the daemon has not looked yet. To daemons of an earlier version no more than none.</summary>
    public const int NotLooked = -1;

    /// <summary>The dump that this node's standby copy is; 0 when it has none.</summary>
    public long StandbySlot { get; init; }

    /// <summary>When that dump was taken, by its owner's wall clock.</summary>
    public DateTimeOffset? StandbyAt { get; init; }

    /// <summary>Why there is no copy of the newest dump yet; null when there is one, or nothing stands in its way.</summary>
    public string? StandbyProblem { get; init; }

    /// <summary>How restores for rehearsal went on this node; null where there was none, and none is under way.</summary>
    public RehearsalSight? Rehearsal { get; init; }

    /// <summary>How long ago the node said all this.</summary>
    public double AgeSeconds { get; init; }

    /// <summary>What was said a while ago, as of now: the lease has run on, and what was written since may be at risk as well.</summary>
    public NodeSight Aged(TimeSpan since) => this with
    {
        LeaseRemainingMs = Math.Max(0, LeaseRemainingMs - (long)since.TotalMilliseconds),
        AgeSeconds = Math.Round(AgeSeconds + since.TotalSeconds, 3),
        AtRiskSeconds = AtRiskKnown ? Math.Round(AtRiskSeconds + since.TotalSeconds, 3) : 0,
    };

    public static NodeSight Nothing(string node) => new(node, 0, 0, 0, null, 0, 0, 0, false, null, NotLooked, null);
}

/// <summary>How rehearsals went on one node.</summary>
/// <param name="PassedSlot">The dump of the newest that went well; 0 when none did.</param>
/// <param name="PassedAt">When that ended, by the node's wall clock.</param>
/// <param name="PassedSeconds">How long it took, check and all.</param>
/// <param name="Checked">Whether it had a check.</param>
/// <param name="Problem">Why the newest did not go well, or what one that is under way waits for; null when all is well.</param>
/// <param name="FailedAt">When the newest did not go well; null when it did.</param>
/// <param name="UnderWay">One is under way.</param>
public sealed record RehearsalSight(
    long PassedSlot, DateTimeOffset? PassedAt, double PassedSeconds, bool Checked, string? Problem, DateTimeOffset? FailedAt, bool UnderWay)
{
    /// <summary>The one that is under way does not come on, and that is the problem.</summary>
    public bool Hangs { get; init; }
}

/// <summary>What became of a request to move, pause or resume.</summary>
public sealed record RequestAnswered(string Service, bool Accepted, string Message) : IWireMessage
{
    private const string EndedWords = "what decides it is changing its node, or begins anew; try again";

    /// <summary>
    /// Whoever was asked has ended, and whether it had begun with it is not known. The next knows: ask again. Told by its words: daemons of an earlier version
    /// would not understand an answer with a field more.
    /// </summary>
    public bool Again => !Accepted && Message == EndedWords;

    public static RequestAnswered Ended(string service) => new(service, false, EndedWords);
}

/// <summary>The newest events of the service's journal, oldest first.</summary>
public sealed record OwnershipHistory(string Service, HistoryEntry[] Entries) : IWireMessage;

/// <param name="Kind">granted, continued, started, settled, released, fencing, power-fenced, move, move-abandoned, damped, paused, resumed or
/// voter-joined.</param>
public sealed record HistoryEntry(DateTimeOffset At, string Kind, long Epoch, string? Node, string Text) : IWireMessage;

/// <summary>The newest events of the service's journal with what they tell together, oldest first.</summary>
public sealed record MeasuredHistory(string Service, MeasuredEntry[] Entries) : IWireMessage;

/// <summary>An event of the journal, and what it tells together with those before it.</summary>
public sealed record MeasuredEntry(HistoryEntry Entry) : IWireMessage
{
    /// <summary>start, failover or move, where an epoch is fenced, granted or started; null elsewhere.</summary>
    public string? Cause { get; init; }

    /// <summary>Of a start: how long ago the newest fence for its epoch had begun, by wall clocks; null elsewhere.</summary>
    public double? DurationSeconds { get; init; }

    /// <summary>Of a failover: no more than what the lost owner wrote in the last so many seconds before the grant is missing; null where nobody knows.</summary>
    public double? LostSeconds { get; init; }

    /// <summary>Roughly how much was in no dump when the lost owner was heard last.</summary>
    public long? LostBytes { get; init; }
}

/// <summary>What is to become of where the service is.</summary>
/// <param name="GoesBackTo">The preferred node, where it is elsewhere and is to go back by itself or by hand; null otherwise.</param>
/// <param name="InSeconds">When it goes back by itself, if nothing happens until then; null where that is not a matter of time alone.</param>
/// <param name="Notes">In words, for people.</param>
public sealed record PlacementTold(string Service, string? GoesBackTo, double? InSeconds, string[] Notes) : IWireMessage;
