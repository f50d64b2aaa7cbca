using Akka.Actor;
using ClusterFs.Configuration;
using ClusterFs.Ownership.SplitBrain;

namespace ClusterFs.Node.Cluster;

/// <summary>
/// Keeps the claim of the cluster that this node is in, and ends a cluster that formed beside the one that has it (in a partition, or while the
/// database was away): node by node it dissolves, and each comes back to join the other. Services run on meanwhile.
/// </summary>
internal sealed class ClusterUnity(ActorSystem system, Settings settings, ClusterClaim claim, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);

    /// <summary>A member that was just removed may go on claiming until it has noticed.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    public async Task RunAsync(CancellationToken cancellation)
    {
        var cluster = Akka.Cluster.Cluster.Get(system);
        long? foreignSince = null;
        using var timer = new PeriodicTimer(LookEvery, time);
        while (await timer.WaitForNextTickAsync(cancellation).ConfigureAwait(false))
        {
            if (cluster.IsTerminated)
            {
                return;
            }

            if (cluster.State.Leader != cluster.SelfAddress || claim.IsHeld || await claim.TryTakeAsync().ConfigureAwait(false))
            {
                foreignSince = null;
                continue;
            }

            var members = cluster.State.Members.Select(member => ClusterConfiguration.NodeAt(settings, member.Address));
            if (claim.Other is not { } other || members.Contains(other))
            {
                foreignSince = null;
                continue;
            }

            foreignSince ??= time.GetTimestamp();
            if (time.GetElapsedTime(foreignSince.Value) >= Patience)
            {
                logger.LeavingForOtherCluster(other);
                cluster.Down(cluster.SelfAddress);
                return;
            }
        }
    }
}
