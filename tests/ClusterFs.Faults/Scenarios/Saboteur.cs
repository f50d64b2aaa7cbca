using ClusterFs.Demo;
using ClusterFs.Demo.Processes;
using ClusterFs.Faults.Rig;
using ClusterFs.Faults.Workload;

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

    /// <summary>The second writer has come, and was killed.</summary>
    public Task Done => _work;

    public void Dispose()
    {
        _stop.Cancel();
        Task.WhenAny(_work).Wait(Patience);
        _stop.Dispose();
    }

    /// <summary>A guard's service has the epoch of its lease; what nobody leased has none.</summary>
    private static bool IsBesideAnother(IReadOnlyList<WriterLife> lives) =>
        lives.FirstOrDefault(life => life.Epoch == 0) is { } second
        && lives.Any(life => life.Epoch != 0 && life.Began <= second.LastSeen && life.LastSeen >= second.Began);

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
        try
        {
            await Eventually.True("the second writer is seen beside the first", Patience, () => IsBesideAnother(cluster.Lives), cancelled: _stop.Token);
        }
        finally
        {
            writer.Signal(Posix.Processes.SignalKill);
        }
    }
}
