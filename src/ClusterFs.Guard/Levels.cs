using ClusterFs.Guard.Addresses;
using ClusterFs.Guard.Execution;
using ClusterFs.Guard.Holding;
using ClusterFs.Guard.Protocol;
using ClusterFs.Lease;
using ClusterFs.Lease.Holder;

namespace ClusterFs.Guard;

/// <summary>What the guard says of its services: everything there is to know as of now, never what has just happened.</summary>
internal sealed class Levels(
    IReadOnlyDictionary<string, GuardedService> services, HolderShell holder, Executioner executioner, AddressKeeper addresses, Func<Instant> now)
{
    public IReadOnlyList<ServiceReport> Reports() => [.. services.Keys.Select(ReportOf)];

    public ServiceReport ReportOf(string service)
    {
        var view = executioner.View(service);
        var state = holder.State;
        var report = new ServiceReport
        {
            Service = service,
            Wanted = view.Wanted,
            Epoch = state.Durable.Consumed.TryGetValue(service, out var consumed) ? consumed.Epoch : 0,
            ClosedEpoch = HolderMachine.ClosedEpoch(state, service),
            AttachedProcess = view.Attachment?.Process.Id ?? 0,
            AttachedMode = view.Attachment?.Mode ?? AttachMode.Unspecified,
            Unit = services[service].Unit ?? "",
        };
        if (state.Leases.TryGetValue(service, out var lease))
        {
            report.Phase = ToPhase(lease.Phase);
            report.Tenure = lease.Tenure;
            report.Process = view.Epoch == lease.Tenure && view.Opened ? view.First?.Id ?? 0 : 0;
            if (lease.Phase != LeasePhase.Closed && lease.ValidUntil is { } until)
            {
                report.LeaseRemainingMs = Math.Max(0, (long)until.LeastRemaining(now()).TotalMilliseconds);
                report.ValidUntilBoottime = until.Boottime.Ticks;
                report.ValidUntilMonotonicRaw = until.MonotonicRaw.Ticks;
            }

            if (lease.Reason is { } reason)
            {
                report.Reason = reason;
            }
        }

        var lent = addresses.View(service);
        report.AddressesOn.AddRange(lent.On);
        report.AddressProblem = lent.Problem ?? "";
        report.AddressesOnSinceBoottime = lent.Since?.Boottime.Ticks ?? 0;
        report.Frozen = view.FrozenGroup is not null;
        report.StoodDown = view.StoodDown;
        if (view.Ended is { } code)
        {
            report.ExitCode = code;
        }

        return report;
    }

    public AttachEvent EventFor(Attachment attachment)
    {
        var view = executioner.View(attachment.Service);
        var told = new AttachEvent
        {
            GateToken = attachment.Token,
            Unit = services[attachment.Service].Unit ?? "",
            PidFile = services[attachment.Service].PidFile ?? "",
        };
        told.Addresses.AddRange(services[attachment.Service].Addresses.Select(floating => floating.Address.ToString()));
        if (view.Ended is { } code)
        {
            told.Ended = code;
        }

        if (!holder.State.Leases.TryGetValue(attachment.Service, out var lease))
        {
            return told;
        }

        if (view.Epoch == lease.Tenure && view.FrozenGroup is { } group)
        {
            told.FrozenGroup = group;
        }

        // What was started goes by the epoch that it was started under, whatever epochs its owner goes on under.
        told.Epoch = lease.Tenure;
        told.Phase = ToPhase(lease.Phase);
        if (lease.Reason is { } reason)
        {
            told.Reason = reason;
        }

        // Whoever starts a held service is told only once it is on record.
        if (attachment.Mode == AttachMode.Hold && lease.Phase == LeasePhase.Running && !(view.Opened && view.Epoch == lease.Tenure))
        {
            told.Phase = Phase.Held;
        }

        if (lease.Phase != LeasePhase.Closed && lease is { StopAt: { } stopAt, KillAt: { } killAt })
        {
            told.StopAtBoottime = stopAt.Boottime.Ticks;
            told.StopAtMonotonicRaw = stopAt.MonotonicRaw.Ticks;
            told.KillAtBoottime = killAt.Boottime.Ticks;
            told.KillAtMonotonicRaw = killAt.MonotonicRaw.Ticks;
        }

        return told;
    }

    private static Phase ToPhase(LeasePhase phase) => phase switch
    {
        LeasePhase.Acquiring => Phase.Acquiring,
        LeasePhase.Held => Phase.Held,
        LeasePhase.Running => Phase.Running,
        LeasePhase.Draining => Phase.Draining,
        LeasePhase.Drained => Phase.Drained,
        LeasePhase.Stopping => Phase.Stopping,
        LeasePhase.Closed => Phase.Closed,
        _ => throw new ArgumentOutOfRangeException(nameof(phase), phase, "unknown phase"),
    };
}
