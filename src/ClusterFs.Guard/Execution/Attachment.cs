using ClusterFs.Guard.Protocol;

namespace ClusterFs.Guard.Execution;

/// <summary>A process beside a service that wants it to run here.</summary>
/// <param name="Token">Names the attachment to the gate and marks what is started for it.</param>
internal sealed record Attachment(string Service, string Token, AttachMode Mode, ProcessIdentity Process);

/// <summary>What others may know of a service's attachment and processes; replaced as a whole.</summary>
/// <param name="Wanted">Somebody is attached and neither stopped nor ended, or the guard can start its unit and nobody stopped that.</param>
/// <param name="Ended">The exit code, once the service ended by itself.</param>
/// <param name="First">The service's first process under <paramref name="Epoch"/>.</param>
/// <param name="Opened">The service was let go under <paramref name="Epoch"/>.</param>
internal sealed record WardView(Attachment? Attachment, bool Wanted, int? Ended, long Epoch, ProcessIdentity? First, bool Opened)
{
    /// <summary>The lease was lost, and what is left of the service is frozen in this control group; null when it is not.</summary>
    public string? FrozenGroup { get; init; }

    /// <summary>Its unit is attached here and was stopped, or failed: this node does not want it before it ran elsewhere.</summary>
    public bool StoodDown { get; init; }

    public static WardView Empty { get; } = new(null, false, null, 0, null, false);
}

/// <summary>What a process at the gate is told.</summary>
internal sealed record GatePass(bool Open, long Epoch, Lease.Instant StopAt)
{
    public static GatePass Closed { get; } = new(false, 0, default);
}

/// <summary>Why nobody more can attach.</summary>
internal sealed record AttachOutcome(Attachment? Attachment, AttachRefusal Refusal, string Reason);
