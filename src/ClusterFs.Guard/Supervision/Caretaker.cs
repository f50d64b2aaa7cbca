using ClusterFs.Guard.Holding;
using ClusterFs.Lease;
using ClusterFs.Lease.Holder;
using Microsoft.Extensions.Logging;

namespace ClusterFs.Guard.Supervision;

/// <summary>
/// Stands in for a daemon that is away: the lease of a service that does not run is kept for a while, so that the daemon can come back and
/// put its content in place or take the last dump, and then given up, so that another node may go on with what is in the archive.
/// </summary>
internal sealed class Caretaker(HolderShell holder, DaemonDesk daemon, Func<TimeSpan> patience, Func<Instant> now, TimeProvider time, ILogger log)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);

    private readonly Dictionary<(string Service, long Epoch), Instant> _waiting = [];

    public async Task RunAsync(CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(Interval, time);
        while (await timer.WaitForNextTickAsync(cancellation).ConfigureAwait(false))
        {
            Look();
        }
    }

    private void Look()
    {
        if (daemon.IsAttached)
        {
            _waiting.Clear();
            return;
        }

        foreach (var lease in holder.State.Leases.Values.Where(lease => lease.Phase is LeasePhase.Held or LeasePhase.Drained))
        {
            var key = (lease.Service, lease.Tenure);
            if (_waiting.TryAdd(key, now()))
            {
                continue;
            }

            var waited = now().LongestSince(_waiting[key]);
            if (waited >= patience())
            {
                _ = _waiting.Remove(key);
                if (lease.Phase == LeasePhase.Held)
                {
                    // Drained next, and then closed by the same patience.
                    log.NotPrepared(lease.Service, lease.Tenure, waited.TotalSeconds);
                    holder.Post(new DrainRequested(lease.Service, lease.Tenure, TimeSpan.Zero, "no daemon put its content in place"));
                }
                else
                {
                    log.ClosedWithoutDump(lease.Service, lease.Tenure, waited.TotalSeconds);
                    holder.Post(new CloseRequested(lease.Service, lease.Tenure));
                }
            }
        }
    }
}
