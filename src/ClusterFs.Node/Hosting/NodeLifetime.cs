using Microsoft.Extensions.Hosting.Systemd;

namespace ClusterFs.Node.Hosting;

/// <summary>
/// Tells systemd how far the daemon is. Signals are not the host's business here: it stays up, and its API with it, while services are ended.
/// </summary>
internal sealed class NodeLifetime : IHostLifetime
{
    public NodeLifetime(IHostApplicationLifetime application, ISystemdNotifier notifier) =>
        application.ApplicationStarted.Register(() => notifier.Notify(ServiceState.Ready));

    public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
