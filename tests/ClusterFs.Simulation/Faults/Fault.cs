using System.Globalization;

namespace ClusterFs.Simulation;

public enum FaultKind
{
    GuardKilled,
    GuardKilledAtStep,
    GuardPaused,
    GuardPausedAtStep,
    PowerCut,
    VoterDiskLost,
    DiskLost,
    DiskFull,
    ServiceFails,
    DaemonKilled,
    DaemonKilledAtStep,
    DaemonPaused,
    IncarnationStarted,
    IncarnationPausedAtStep,
    IncarnationKilledAtStep,
    CutOff,
    CutOneWay,
    CutBetween,
    CutFromDatabase,
    BadLinks,
    KindHeld,
    GrantsHeld,
    AcksHeld,
    FencesHeld,
    DatabaseAway,
    DatabaseSlow,
    DatabaseSilent,
    SharedAway,
    SharedSilent,
    SharedStale,
    MoveAsked,
    PauseAsked,
    PlacementNoted,
    RatesChanged,
    ConfigurationRead,
    ContentAdopted,
    DumpsPruned,

    // What an owner has to withstand.
    BystanderLost,
    BystanderCutOff,
    BystanderPaused,
    BystanderCutOneWay,
    BystanderCutFromOwner,
    BystanderCutFromNodes,
    DaemonsLost,
    OwnersDaemonLost,
    DatabaseLost,
    SharedLost,

    // What no protocol of this kind withstands; for deliberate bugs alone.
    MachineStopped,
    JournalTailLost,
    WallClockSet,
}

/// <summary>One fault: when, how long, what, and to whom.</summary>
/// <param name="Target">The node, counted from 0; of bystanders, which of them.</param>
/// <param name="Other">Another node, or a number that the kind gives a meaning to.</param>
/// <param name="Amount">Between 0 and 1: how bad, as the kind has it.</param>
public sealed record Fault(TimeSpan At, TimeSpan Lasts, FaultKind Kind, int Target, int Other, double Amount)
{
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture, $"{Kind} n{Target + 1} (other {Other}, amount {Amount:F2}) at {At.TotalSeconds:F3} s for {Lasts.TotalSeconds:F3} s");
}
