using ClusterFs.Guard.Execution;
using ClusterFs.Guard.Holding;
using ClusterFs.Lease;
using Microsoft.Extensions.Logging;

namespace ClusterFs.Guard.Systemd;

/// <summary>
/// Tells systemd that the guard works: that the thread which renews leases and the one which stops services have both turned of late. A
/// guard of which either stands still for longer than any lease has lost its leases already, so its death costs nothing, and has the
/// processes beside the services stop them.
/// </summary>
internal sealed class GuardWatchdog(HolderShell holder, Executioner executioner, TimeSpan longestTtl, Func<Instant> now, TimeProvider time, ILogger log)
{
    private static readonly TimeSpan Stale = TimeSpan.FromSeconds(5);

    public async Task RunAsync(CancellationToken cancellation)
    {
        if (ServiceManagerNotice.WatchdogInterval is not { } interval)
        {
            return;
        }

        if (interval < longestTtl * 2)
        {
            interval = longestTtl * 2;
            ServiceManagerNotice.SetWatchdogInterval(interval);
        }

        using var timer = new PeriodicTimer(interval / 6, time);
        do
        {
            var turns = executioner.TurnAsync();
            var turned = await Task.WhenAny(turns, Task.Delay(Stale, time, cancellation)).ConfigureAwait(false) == turns;
            if (turned && now().LongestSince(holder.LastTurn) < Stale)
            {
                ServiceManagerNotice.Alive();
            }
            else
            {
                log.StandsStill(turned ? "holder" : "executioner");
            }
        }
        while (await timer.WaitForNextTickAsync(cancellation).ConfigureAwait(false));
    }
}
