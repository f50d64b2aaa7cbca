using ClusterFs.Guard.State;
using ClusterFs.Guard.Systemd;
using ClusterFs.Lease.Holder;

namespace ClusterFs.Guard.Execution;

/// <summary>Services that are units of systemd.</summary>
internal sealed partial class Executioner
{
    /// <summary>
    /// Tells a systemd unit to stop, and says again and again how far systemd is, for as long as it is wanted. Set before the executioner starts.
    /// </summary>
    public Action<string, Func<bool>, Action<UnitStop>> StopUnit { get; set; } = (_, _, _) => { };

    /// <summary>
    /// Tells systemd to start a unit, and says why if that fails, or if nothing attaches in time. Set before the executioner starts.
    /// </summary>
    public Action<string, string, Action<string>> StartUnit { get; set; } = (_, _, _) => { };

    /// <summary>The unit of a service is attached to its lease on this node, or no longer.</summary>
    public void UnitAttached(string service, bool isAttached) => Post(() =>
    {
        if (_wards[service] is var ward && ward.StandsBy != isAttached)
        {
            ward.StandsBy = isAttached;
            _log.UnitAttached(service, ward.Service.Unit ?? "", isAttached ? "stands by" : "no longer stands by");
            Publish(ward);
        }
    });

    /// <summary>The service runs on another node, so whoever stopped it here did not mean to have it down: it may come here again.</summary>
    public void StandBy(string service) => Post(() =>
    {
        if (_wards.TryGetValue(service, out var ward) && ward.StoodDown)
        {
            ward.StoodDown = false;
            Publish(ward);
        }
    });

    private void UnitDidNotStart(Ward ward, StartService order, string problem)
    {
        if (ward.AwaitsAttachment == order)
        {
            // Another node may fare better; this one would fail again.
            ward.AwaitsAttachment = null;
            ward.StoodDown = true;
            _log.UnitNotStarted(order.Service, order.Tenure, problem);
            Publish(ward);
            _tellHolder(new DrainRequested(order.Service, order.Tenure, TimeSpan.Zero, problem));
        }
    }

    private void BeginStopOfUnit(Ward ward, Life life)
    {
        if (ward.Service.Unit is { } unit && life is { Opened: true, Record.Held: true })
        {
            life.Processes.Unit = unit;
            life.AwaitsUnit = true;
            StopUnit(unit, () => life.AwaitsUnit, stop => Post(() =>
            {
                life.UnitRefused = stop == UnitStop.Unanswered;
                if (stop != UnitStop.Over)
                {
                    return;
                }

                // What was not found before systemd was done with it may have come since.
                life.FoundEmpty = 0;
                life.AwaitsUnit = false;
                life.UnitStopped = true;
            }));
        }
    }
}
