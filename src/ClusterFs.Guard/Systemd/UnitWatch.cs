using ClusterFs.Guard.Execution;
using ClusterFs.Guard.Holding;
using ClusterFs.Lease.Holder;
using Microsoft.Extensions.Logging;

namespace ClusterFs.Guard.Systemd;

/// <summary>
/// Looks which services' units are attached to their leases on this node, which may change at any time by the administrator's hand; and
/// whether one of them runs without a lease, as only a systemd that stood still, or somebody's tampering, can bring about.
/// </summary>
internal sealed class UnitWatch(
    IEnumerable<GuardedService> services, HolderShell holder, Executioner executioner, TimeProvider time, ILogger log)
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(1);

    /// <summary>What is not attached is nothing to kill, only to tell of.</summary>
    private const int RoundsBetweenUnattached = 10;

    private readonly IReadOnlyList<UnitAttachment> _attachments =
        [.. services.Where(service => service.Unit is not null).Select(service => new UnitAttachment(service.Unit!, service.Name))];

    private readonly HashSet<string> _unheld = new(StringComparer.Ordinal);
    private int _round;

    public async Task RunAsync(CancellationToken cancellation)
    {
        if (_attachments.Count == 0 || !Directory.Exists("/run/systemd/system"))
        {
            return;
        }

        using var timer = new PeriodicTimer(Every, time);
        do
        {
            _round++;
            foreach (var attachment in _attachments)
            {
                Look(attachment);
            }
        }
        while (await timer.WaitForNextTickAsync(cancellation).ConfigureAwait(false));
    }

    private void Look(UnitAttachment attachment)
    {
        var isAttached = attachment.Exists();
        executioner.UnitAttached(attachment.Service, isAttached);
        if (!isAttached && _round % RoundsBetweenUnattached != 0)
        {
            return;
        }

        if (FindUnheld(attachment) is not { } group)
        {
            _ = _unheld.Remove(attachment.Service);
        }
        else if (!isAttached)
        {
            // It may be the administrator's, who has not got to attaching it; who has forgotten has to hear of it.
            if (_unheld.Add(attachment.Service))
            {
                log.UnitRunsUnattached(attachment.Service, attachment.Unit);
            }
        }
        else if (_unheld.Add(attachment.Service))
        {
            log.UnitRunsUnheld(attachment.Service, attachment.Unit);
            _ = Task.Run(() => Stop(attachment.Unit));
        }
        else
        {
            group.Kill();
        }
    }

    /// <returns>The unit's control group, if something is in it and no lease was open all the while.</returns>
    private ControlGroup? FindUnheld(UnitAttachment attachment)
    {
        var before = LastEpoch(attachment.Service);
        if (IsOpen(attachment.Service))
        {
            return null;
        }

        try
        {
            var found = new HashSet<int>();
            var group = ControlGroup.OfUnit(attachment.Unit);
            group?.AddProcesses(found);
            return found.Count > 0 && !IsOpen(attachment.Service) && LastEpoch(attachment.Service) == before ? group : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The hierarchy changes while it is searched; it is searched again.
            return null;
        }
    }

    private bool IsOpen(string service) =>
        executioner.View(service).Epoch > 0 || (holder.State.Leases.TryGetValue(service, out var lease) && lease.Phase != LeasePhase.Closed);

    private long LastEpoch(string service) => holder.State.Durable.Consumed.TryGetValue(service, out var consumed) ? consumed.Epoch : 0;

    private void Stop(string unit)
    {
        try
        {
            SystemdUnit.BeginStop(unit);
        }
        catch (Exception e) when (e is InvalidOperationException or IOException or UnauthorizedAccessException)
        {
            log.UnitNotStopped(unit, e.Message);
        }
    }
}
