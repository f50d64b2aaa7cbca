using ClusterFs.Lease.Ownership;
using ClusterFs.Node.Content;

namespace ClusterFs.Node.Agents;

/// <summary>What one agent has counted since the daemon started, for metrics; nothing is decided by it.</summary>
internal sealed record WorkTally
{
    public static WorkTally None { get; } = new();

    public long DumpsDone { get; private init; }

    public long DumpsFailed { get; private init; }

    public long DumpsSuperseded { get; private init; }

    /// <summary>What dumps have added to the archive.</summary>
    public long DumpedBytes { get; private init; }

    /// <summary>What dumps have taken in all, failed ones too.</summary>
    public double DumpSeconds { get; private init; }

    public long RestoresDone { get; private init; }

    public long RestoresFailed { get; private init; }

    /// <summary>What the newest restore took that was done; 0 before the first.</summary>
    public double RestoreSeconds { get; private init; }

    public long RehearsalsPassed { get; private init; }

    public long RehearsalsFailed { get; private init; }

    /// <summary>How often the service began to run here without having had an owner.</summary>
    public long Starts { get; private init; }

    /// <summary>How often because the owner before had been lost.</summary>
    public long Failovers { get; private init; }

    /// <summary>How often by a planned move.</summary>
    public long Moves { get; private init; }

    /// <summary>From the newest grant to the service running here; 0 before the first.</summary>
    public double TakeoverSeconds { get; private init; }

    public WorkTally With(WorkKind kind, WorkResult result, TimeSpan took) => kind switch
    {
        WorkKind.Dump or WorkKind.FinalDump => this with
        {
            DumpsDone = DumpsDone + (result.Outcome is WorkOutcome.Done ? 1 : 0),
            DumpsFailed = DumpsFailed + (result.Outcome is WorkOutcome.Failed ? 1 : 0),
            DumpsSuperseded = DumpsSuperseded + (result.Outcome is WorkOutcome.Superseded ? 1 : 0),
            DumpedBytes = DumpedBytes + Math.Max(0, result.AddedBytes),
            DumpSeconds = DumpSeconds + took.TotalSeconds,
        },
        WorkKind.TakeOver when result.Outcome is WorkOutcome.Done => this with { RestoresDone = RestoresDone + 1, RestoreSeconds = took.TotalSeconds },
        WorkKind.TakeOver => this with { RestoresFailed = RestoresFailed + 1 },
        _ => this,
    };

    public WorkTally WithRehearsal(bool passed) =>
        passed ? this with { RehearsalsPassed = RehearsalsPassed + 1 } : this with { RehearsalsFailed = RehearsalsFailed + 1 };

    /// <param name="cause">Of the grant, as far as this node has heard.</param>
    public WorkTally WithStart(GrantCause cause, TimeSpan took) => (cause switch
    {
        GrantCause.Failover => this with { Failovers = Failovers + 1 },
        GrantCause.Move => this with { Moves = Moves + 1 },
        _ => this with { Starts = Starts + 1 },
    }) with
    { TakeoverSeconds = took.TotalSeconds };
}
