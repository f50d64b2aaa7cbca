using Akka.Actor;
using Akka.Cluster;
using ClusterFs.Configuration;

namespace ClusterFs.Node.Cluster;

/// <summary>
/// Joins the cluster, or begins it. The first node by name begins it at once when no other answers. When that node is down, the others wait for a
/// cluster to join, each a little longer than the one before, and then begin one: the first of them alone, the rest by joining it.
/// </summary>
internal sealed class ClusterJoin(ActorSystem system, Settings settings, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan TurnOfNext = TimeSpan.FromSeconds(8);
    private static readonly TimeSpan AfterUncleanEnd = TimeSpan.FromSeconds(4);

    /// <param name="afterUncleanEnd">The daemon before this one did not leave the cluster: to come back at its address before it has been taken for
    /// dead confuses the others enough to down one another.</param>
    public async Task RunAsync(bool afterUncleanEnd, CancellationToken cancellation)
    {
        if (afterUncleanEnd && settings.Cluster.Nodes.Count > 1)
        {
            logger.JoinDelayed(AfterUncleanEnd.TotalSeconds);
            await Task.Delay(AfterUncleanEnd, time, cancellation).ConfigureAwait(false);
        }

        var cluster = Akka.Cluster.Cluster.Get(system);
        var joined = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        cluster.RegisterOnMemberUp(() => joined.TrySetResult());
        var names = settings.Cluster.Nodes.Keys.ToList();
        var turn = names.IndexOf(settings.Node.Name);
        Join(cluster, names);
        if (turn > 0 && !await HappensAsync(joined.Task, TurnOfNext * turn, cancellation).ConfigureAwait(false))
        {
            Join(cluster, [settings.Node.Name, .. names.Where(name => name != settings.Node.Name)]);
        }

        await joined.Task.WaitAsync(cancellation).ConfigureAwait(false);
        logger.Joined();
    }

    private async Task<bool> HappensAsync(Task happening, TimeSpan patience, CancellationToken cancellation)
    {
        try
        {
            await happening.WaitAsync(patience, time, cancellation).ConfigureAwait(false);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    private void Join(Akka.Cluster.Cluster cluster, IReadOnlyList<string> order)
    {
        logger.Joining(string.Join(", ", order));
        cluster.JoinSeedNodes([.. order.Select(node => ClusterConfiguration.AddressOf(settings, node))]);
    }
}
