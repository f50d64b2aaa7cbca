using ClusterFs.Guard.Holding;
using ClusterFs.Lease;
using ClusterFs.Lease.Holder;
using Microsoft.Extensions.Logging;

namespace ClusterFs.Guard.Supervision;

/// <summary>
/// Stands in for a daemon that is away: a dead service's lease is kept for a while, so that the daemon can come back and take the last
/// dump, and then closed, so that another node may go on with what is in the archive.
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

        foreach (var lease in holder.State.Leases.Values.Where(lease => lease.Phase == LeasePhase.Drained))
        {
            var key = (lease.Service, lease.Epoch);
            if (_waiting.TryAdd(key, now()))
            {
                continue;
            }

            var waited = now().LongestSince(_waiting[key]);
            if (waited >= patience())
            {
                log.ClosedWithoutDump(lease.Service, lease.Epoch, waited.TotalSeconds);
                _ = _waiting.Remove(key);
                holder.Post(new CloseRequested(lease.Service, lease.Epoch));
            }
        }
    }
}
