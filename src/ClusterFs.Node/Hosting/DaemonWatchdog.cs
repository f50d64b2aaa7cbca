using Akka.Actor;
using ClusterFs.Guard.Systemd;
using ClusterFs.Node.Agents;

namespace ClusterFs.Node.Hosting;

/// <summary>
/// Tells systemd that the daemon works: that the actor above all agents still answers. A daemon that does not is killed and started again;
/// services and leases do not notice.
/// </summary>
internal sealed class DaemonWatchdog(NodeBoard board, TimeProvider time) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (ServiceManagerNotice.WatchdogInterval is not { } interval)
        {
            return;
        }

        using var timer = new PeriodicTimer(interval / 4, time);
        do
        {
            try
            {
                _ = await board.Agent.Ask<ActorIdentity>(new Identify(null), interval / 4, stoppingToken).ConfigureAwait(false);
                ServiceManagerNotice.Alive();
            }
            catch (AskTimeoutException)
            {
                // Silence is what systemd acts on.
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false));
    }
}
