using ClusterFs.Guard.State;
using ClusterFs.Lease;
using ClusterFs.Lease.Holder;

namespace ClusterFs.Guard.Execution;

/// <summary>A service and who wants it here. Belongs to the executioner's thread.</summary>
internal sealed class Ward(GuardedService service)
{
    public GuardedService Service => service;

    public Attachment? Attachment { get; set; }

    /// <summary>The process beside it wants it here: it was neither told to end, nor did the service end by itself.</summary>
    public bool AttachmentWants { get; set; }

    /// <summary>Its unit is attached to its lease on this node, so the guard can have it started.</summary>
    public bool StandsBy { get; set; }

    /// <summary>Somebody stopped the unit here, or it failed: not here again before it ran elsewhere, or somebody starts it.</summary>
    public bool StoodDown { get; set; }

    public bool Wanted => AttachmentWants || (StandsBy && !StoodDown);

    /// <summary>Its unit was told to start, and no process beside it is attached yet.</summary>
    public StartService? AwaitsAttachment { get; set; }

    public int? Ended { get; set; }

    /// <summary>The newest epoch whose service was stopped and is dead; 0 for none.</summary>
    public long StoppedEpoch { get; set; }

    /// <summary>Null when nothing of the service is alive and nothing waits to start.</summary>
    public Life? Life { get; set; }
}

/// <summary>One tenure's service, from the first process that may become it to the death of the last.</summary>
internal sealed class Life(long epoch, ServiceProcesses processes)
{
    public long Epoch => epoch;

    public ServiceProcesses Processes => processes;

    public ServiceRecord? Record { get; set; }

    /// <summary>Set when the holder said start.</summary>
    public Instant? StartUntil { get; set; }

    /// <summary>The deadline that the process at the gate was sent off with.</summary>
    public Instant? PassedUntil { get; set; }

    public TaskCompletionSource<GatePass>? AtGate { get; set; }

    public bool Opened { get; set; }

    /// <summary>What became of the service's addresses; without any, they are on.</summary>
    public AddressStage Addresses { get; set; }

    public bool IsStopping { get; set; }

    public Instant? KillAt { get; set; }

    /// <summary>systemd has not ended the unit, and may start something of it: that nothing is found means nothing yet.</summary>
    public bool AwaitsUnit { get; set; }

    /// <summary>systemd did not answer, or refused; what is not found at the deadline then counts as dead.</summary>
    public bool UnitRefused { get; set; }

    /// <summary>systemd has ended the unit: nothing of it starts any more.</summary>
    public bool UnitStopped { get; set; }

    /// <summary>Whoever holds the service says that it is gone.</summary>
    public bool SaidGone { get; set; }

    public bool EverFound { get; set; }

    /// <summary>A held service was let go, and may be starting where nobody can see it yet: its process file comes late.</summary>
    public bool MayAppear => Opened && Record is { Held: true } && !EverFound && !UnitStopped && !SaidGone;

    /// <summary>Those that outlived the first process were asked to end, too.</summary>
    public bool RestAsked { get; set; }

    public bool KillSaid { get; set; }

    /// <summary>The lease was lost and the service is frozen in place of being killed; null when it is to be killed.</summary>
    public Freezing? Freezing { get; set; }

    public bool IsFrozen => Freezing is { IsConfirmed: true };

    /// <summary>How long after the killing has begun the node is rebooted if anything is alive; null when it is not.</summary>
    public TimeSpan? RebootAfter { get; set; }

    public Instant? RebootAt { get; set; }

    public bool RebootTried { get; set; }

    /// <summary>When the next thing is due that does not wait for the next search.</summary>
    public Instant? NextDue =>
        !IsStopping || IsFrozen ? null
        : Freezing is { HasBegun: false } freezing ? freezing.BeginsAt
        : !KillSaid ? KillAt
        : RebootTried ? null
        : RebootAt;

    /// <summary>How often in a row nothing was found alive.</summary>
    public int FoundEmpty { get; set; }
}

/// <summary>How far a service's addresses are. In this order, and never back.</summary>
internal enum AddressStage
{
    /// <summary>Nobody asked for them.</summary>
    Off,

    /// <summary>They are being put on.</summary>
    Asked,

    /// <summary>They are on, so the service may start.</summary>
    On,

    /// <summary>They are being taken off, or could not be put on.</summary>
    Leaving,

    /// <summary>They are gone for good.</summary>
    Gone,
}
