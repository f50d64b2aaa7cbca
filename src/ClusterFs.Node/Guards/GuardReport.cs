using System.Collections.Immutable;
using ClusterFs.Guard.Protocol;
using ClusterFs.Lease;
using ClusterFs.Lease.Holder;

namespace ClusterFs.Node.Guards;

/// <summary>What the guard of this node says of one service; the whole of it each time.</summary>
/// <param name="Wanted">A process beside the service is attached and wants it to run here, or the guard can start its unit.</param>
/// <param name="Phase">Of the newest epoch; null when there was none since the guard started.</param>
/// <param name="Tenure">The epoch that the newest ownership began with; 0 when there was none since the guard started.</param>
/// <param name="ClosedEpoch">Everything at or below it is over for good here.</param>
/// <param name="ValidUntil">When the lease ends that the guard held as it said this: however long that was under way. Null when it held none.</param>
internal sealed record GuardReport(
    bool Wanted, LeasePhase? Phase, long Epoch, long Tenure, long ClosedEpoch, Instant? ValidUntil, int? Process, string? Reason, int? ExitCode)
{
    /// <summary>The lease was lost, and what is left of the service is frozen here.</summary>
    public bool IsFrozen { get; init; }

    /// <summary>Its unit was stopped here, or failed.</summary>
    public bool StoodDown { get; init; }

    /// <summary>Its addresses that are on this node, each with its interface.</summary>
    public ImmutableArray<string> AddressesOn { get; init; } = [];

    /// <summary>Since when all of them are, on this machine's clock; null while they are not, or a guard of an earlier version does not say.</summary>
    public TimeSpan? AddressesOnSince { get; init; }

    /// <summary>Why they are not, where they should be.</summary>
    public string? AddressProblem { get; init; }

    /// <summary>The tenure that is not over; null when there is none. What runs here, and its claim in the archive, go by it.</summary>
    public long? OpenTenure => Phase is null or LeasePhase.Closed || Epoch <= ClosedEpoch ? null : Tenure;

    /// <summary>What is left of the lease; zero when it may have ended.</summary>
    public TimeSpan LeaseRemaining(Instant now) =>
        ValidUntil?.LeastRemaining(now) is { } left && left > TimeSpan.Zero ? left : TimeSpan.Zero;

    /// <param name="readAt">When the report was read from the socket.</param>
    public static GuardReport From(ServiceReport report, Instant readAt) => new(
        report.Wanted,
        report.Phase switch
        {
            Guard.Protocol.Phase.None => null,
            Guard.Protocol.Phase.Acquiring => LeasePhase.Acquiring,
            Guard.Protocol.Phase.Held => LeasePhase.Held,
            Guard.Protocol.Phase.Running => LeasePhase.Running,
            Guard.Protocol.Phase.Draining => LeasePhase.Draining,
            Guard.Protocol.Phase.Drained => LeasePhase.Drained,
            Guard.Protocol.Phase.Stopping => LeasePhase.Stopping,
            Guard.Protocol.Phase.Closed => LeasePhase.Closed,
            _ => throw new ArgumentOutOfRangeException(nameof(report), report.Phase, "a phase of a later guard"),
        },
        report.Epoch,
        report.Tenure,
        report.ClosedEpoch,
        EndOfLease(report, readAt),
        report.Process == 0 ? null : report.Process,
        report.HasReason ? report.Reason : null,
        report.HasExitCode ? report.ExitCode : null)
    {
        IsFrozen = report.Frozen,
        StoodDown = report.StoodDown,
        AddressesOn = [.. report.AddressesOn],
        AddressesOnSince = report.AddressesOnSinceBoottime == 0 ? null : TimeSpan.FromTicks(report.AddressesOnSinceBoottime),
        AddressProblem = report.AddressProblem.Length == 0 ? null : report.AddressProblem,
    };

    /// <summary>A guard of an earlier version says how much is left, and not when that was: it can only be counted from when it was read.</summary>
    private static Instant? EndOfLease(ServiceReport report, Instant readAt) =>
        report.ValidUntilBoottime != 0
            ? new Instant(TimeSpan.FromTicks(report.ValidUntilBoottime), TimeSpan.FromTicks(report.ValidUntilMonotonicRaw))
            : report.LeaseRemainingMs > 0 ? readAt + TimeSpan.FromMilliseconds(report.LeaseRemainingMs) : null;
}
