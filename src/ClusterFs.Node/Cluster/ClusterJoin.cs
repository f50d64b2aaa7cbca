using Akka.Actor;
using Akka.Cluster;
using ClusterFs.Configuration;
using ClusterFs.Ownership.SplitBrain;

namespace ClusterFs.Node.Cluster;

/// <summary>
/// Joins the cluster, or begins it if it has the claim to: the first node by name at once when no other answers, the others each a little later
/// than the one before. Without the claim it goes on trying to join.
/// </summary>
internal sealed class ClusterJoin(ActorSystem system, Settings settings, ClusterClaim claim, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan TurnOfNext = TimeSpan.FromSeconds(8);
    private static readonly TimeSpan AfterUncleanEnd = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan AskAgain = TimeSpan.FromMilliseconds(500);

    /// <summary>A node that was downed lets those that downed it take over the claim that it may have held.</summary>
    private static readonly TimeSpan AfterDowning = TimeSpan.FromSeconds(15);

    /// <param name="afterUncleanEnd">The daemon before this one did not leave the cluster: to come back at its address before it has been taken for
    /// dead confuses the others enough to down one another.</param>
    /// <param name="afterDowning">The cluster has downed this node.</param>
    public async Task RunAsync(bool afterUncleanEnd, bool afterDowning, CancellationToken cancellation)
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
        var others = names.Where(name => name != settings.Node.Name).ToList();
        var patience = (TurnOfNext * names.IndexOf(settings.Node.Name)) + (afterDowning ? AfterDowning : TimeSpan.Zero);
        if (others.Count > 0)
        {
            Join(cluster, others);
        }

        if (!await HappensAsync(joined.Task, patience, cancellation).ConfigureAwait(false))
        {
            await BeginAsync(cluster, others, joined.Task, cancellation).ConfigureAwait(false);
        }

        await joined.Task.WaitAsync(cancellation).ConfigureAwait(false);
        logger.Joined();
    }

    private async Task BeginAsync(Akka.Cluster.Cluster cluster, List<string> others, Task joined, CancellationToken cancellation)
    {
        // Alone there is nobody to be at odds with.
        var said = false;
        while (others.Count > 0 && !await claim.TryTakeAsync().ConfigureAwait(false))
        {
            if (!said)
            {
                logger.MayNotBegin(claim.Other ?? "nobody that is known");
                said = true;
            }

            if (await HappensAsync(joined, AskAgain, cancellation).ConfigureAwait(false))
            {
                return;
            }
        }

        Join(cluster, [settings.Node.Name, .. others]);
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
