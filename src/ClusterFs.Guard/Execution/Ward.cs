using ClusterFs.Guard.State;
using ClusterFs.Lease;

namespace ClusterFs.Guard.Execution;

/// <summary>A service and who wants it here. Belongs to the executioner's thread.</summary>
internal sealed class Ward(GuardedService service)
{
    public GuardedService Service => service;

    public Attachment? Attachment { get; set; }

    public bool Wanted { get; set; }

    public int? Ended { get; set; }

    /// <summary>Null when nothing of the service is alive and nothing waits to start.</summary>
    public Life? Life { get; set; }
}

/// <summary>One epoch's service, from the first process that may become it to the death of the last.</summary>
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

    public bool IsStopping { get; set; }

    public Instant? KillAt { get; set; }

    /// <summary>The control group of the unit is still being asked for: that nothing was found means nothing yet.</summary>
    public bool AwaitsUnit { get; set; }

    /// <summary>Those that outlived the first process were asked to end, too.</summary>
    public bool RestAsked { get; set; }

    public bool KillSaid { get; set; }

    /// <summary>How often in a row nothing was found alive.</summary>
    public int FoundEmpty { get; set; }
}
