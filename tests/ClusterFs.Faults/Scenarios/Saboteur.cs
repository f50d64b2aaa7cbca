using ClusterFs.Demo;
using ClusterFs.Demo.Processes;
using ClusterFs.Faults.Rig;

namespace ClusterFs.Faults.Scenarios;

/// <summary>
/// Starts the workload behind the back of the guards, on a node that does not own the service: what a broken lease would look like. Proves
/// that the checker sees it.
/// </summary>
internal sealed class Saboteur : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly CancellationTokenSource _stop = new();
    private readonly Task _work;

    public Saboteur(FaultCluster cluster, Progress progress) => _work = Task.Run(() => Sabotage(cluster, progress));

    public void Dispose()
    {
        _stop.Cancel();
        Task.WhenAny(_work).Wait(Patience);
        _stop.Dispose();
    }

    private async Task Sabotage(FaultCluster cluster, Progress progress)
    {
        var owner = await Eventually.Get("the service has an owner", Patience, () => Task.FromResult(cluster.Owner), cancelled: _stop.Token);
        var node = cluster.Cluster.Nodes.First(node => node.Name != owner);
        progress.Say($"sabotage: a second writer on {node.Name}");
        var writer = LaunchedProcess.Start(
            "saboteur",
            Path.Combine(cluster.Site.Directory, "saboteur.log"),
            cluster.Site.Directory,
            cluster.Cluster.EnvironmentOf(node.Name),
            cluster.Cluster.Service(FaultCluster.Service).Command(node));
        await Task.WhenAny(Task.Delay(TimeSpan.FromSeconds(2), _stop.Token));
        writer.Signal(Posix.Processes.SignalKill);
    }
}
