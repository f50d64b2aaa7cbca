using System.Collections.Immutable;
using ClusterFs.Lease;
using ClusterFs.Lease.Ownership;
using ClusterFs.Node.Guards;
using ClusterFs.Ownership.Messages;

namespace ClusterFs.Node.Agents;

/// <summary>What does not change while an agent lives.</summary>
internal sealed record AgentSettings(string Node, string Service, TimeSpan DumpEvery)
{
    /// <summary>How often the service is looked at and reported on while nothing changes.</summary>
    public ReportPace Pace { get; init; } = ReportPace.Fastest;

    /// <summary>The service that it is kept together with, and that goes first; null where it goes alone or first.</summary>
    public string? Leader { get; init; }

    /// <summary>The services that are kept together with it, where it goes first.</summary>
    public ImmutableArray<string> Followers { get; init; } = [];

    /// <summary>Whether this node keeps a copy of the newest dump while another one owns the service.</summary>
    public bool KeepsStandby { get; init; }

    /// <summary>When it rehearses; null for never by itself.</summary>
    public RehearsalPace? Rehearsal { get; init; }
}

/// <summary>Slow work on the content; one piece of it at a time.</summary>
internal enum WorkKind
{
    /// <summary>Claim the epoch, keep what is not in the line, put the head of the line in place.</summary>
    TakeOver,

    /// <summary>A dump while the service runs.</summary>
    Dump,

    /// <summary>The dump after the service has ended, with nothing left to come.</summary>
    FinalDump,

    /// <summary>Keep what is not in the line, because another node goes on with it.</summary>
    KeepDivergent,
}

internal sealed record Work(WorkKind Kind, long Epoch, Instant BegunAt);

internal enum WorkOutcome
{
    Done,

    /// <summary>It may be tried again.</summary>
    Failed,

    /// <summary>A later epoch was claimed: nothing of this one enters the line any more.</summary>
    Superseded,
}

/// <summary>Everything one service's agent decides by.</summary>
/// <param name="Guard">What the guard said last; null while it does not answer.</param>
internal sealed record AgentState(AgentSettings Settings, GuardReport? Guard)
{
    /// <summary>The newest grant that the ownership actor told of.</summary>
    public GrantOwnership? Grant { get; init; }

    /// <summary>The epoch that somebody wants to move away; 0 for none.</summary>
    public long DrainEpoch { get; init; }

    /// <summary>The daemon is being stopped, and the service with it.</summary>
    public bool Stopping { get; init; }

    /// <summary>This node takes no service, and moves away what it has, until it is undrained.</summary>
    public bool Drained { get; init; }

    /// <summary>Until when the dump before a stop of the daemon is tried.</summary>
    public Instant? StopWaitsUntil { get; init; }

    public Work? Work { get; init; }

    /// <summary>The epoch whose content is in place; 0 for none.</summary>
    public long PreparedEpoch { get; init; }

    /// <summary>How often the content of the open epoch could not be put in place.</summary>
    public int TakeOverFailures { get; init; }

    /// <summary>Until when this node leaves the service to others, because it could not put the content in place.</summary>
    public Instant? StandsBackUntil { get; init; }

    /// <summary>The highest epoch that was seen running: only then there is something to dump.</summary>
    public long RanEpoch { get; init; }

    /// <summary>The highest epoch that another node's claim has ended in the archive.</summary>
    public long SupersededEpoch { get; init; }

    /// <summary>The epoch for which a dump was taken since its end was asked for.</summary>
    public long DumpedForDrain { get; init; }

    /// <summary>The epoch whose last dump is done or given up.</summary>
    public long FinishedEpoch { get; init; }

    /// <summary>When the service of the epoch that is drained was first seen dead.</summary>
    public Instant? DrainedAt { get; init; }

    /// <summary>The start of the newest dump.</summary>
    public Instant? DumpBegunAt { get; init; }

    /// <summary>The newest dump took so long that none begins before, unless it is asked for.</summary>
    public Instant? DumpRestsUntil { get; init; }

    /// <summary>Somebody asked for a dump that begins after this was set.</summary>
    public bool DumpAsked { get; init; }

    /// <summary>Work that failed is not tried again before.</summary>
    public Instant? RetryAt { get; init; }

    /// <summary>The epoch that another node runs under, as the ownership actor said last: it has claimed it in the archive. 0 for none.</summary>
    public long RunsElsewhere { get; init; }

    /// <summary>What is not in the line was kept when another node ran under this epoch.</summary>
    public long KeptAgainst { get; init; }

    public StandbyState Standby { get; init; } = StandbyState.Unknown;

    public RehearsalState Rehearsal { get; init; } = RehearsalState.Unknown;

    /// <summary>What the guard was told last, and when: it is told again until it says that it did it.</summary>
    public GuardOrder? Told { get; init; }

    public Instant ToldAt { get; init; }
}
