using ClusterFs.Demo;
using ClusterFs.Faults.Checking;
using ClusterFs.Faults.Rig;
using ClusterFs.Posix;

namespace ClusterFs.Faults.Scenarios;

/// <summary>
/// How long a failover takes when all processes of the owner are killed, many times, with live content of which the other nodes have a copy. Every
/// fourth time the owner is the node that decides on ownership as well: the service is moved there, and the node killed before the actor has left it.
/// </summary>
internal static class Kills
{
    /// <summary>As it is where nothing else is configured.</summary>
    public static TimeSpan Ttl { get; } = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan MedianBeyondTtl = TimeSpan.FromSeconds(1.5);
    private static readonly TimeSpan LongestBeyondTtl = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <returns>Whether all was as promised.</returns>
    public static async Task<bool> Run(FaultCluster cluster, int kills, Progress progress, CancellationToken cancelled)
    {
        var times = new List<TimeSpan>();
        var beside = new List<TimeSpan>();
        for (var kill = 1; kill <= kills; kill++)
        {
            var owner = await cluster.Settle(cancelled);
            await cluster.UntilWarm(cancelled);
            if (kill % 4 == 0)
            {
                owner = await FollowOwnership(cluster, owner, cancelled);
            }

            var decided = cluster.Cluster.DecidesOn(FaultCluster.Service)!.Name;
            var killed = MachineClock.Boottime;
            cluster.Machine(owner).KillEverything();
            var dead = MachineClock.Boottime;
            var wrote = await cluster.UntilAcknowledged(dead, Patience, cancelled)
                ?? throw new ConditionNotMetException($"nobody wrote after kill {kill} of {owner}{Environment.NewLine}{cluster.Cluster.Evidence()}");
            times.Add(wrote - killed);
            beside.AddRange(decided == owner ? [times[^1]] : []);
            progress.Say(FormattableString.Invariant(
                $"kill {kill}: all processes of {owner}, ownership decided on by {decided}; {cluster.Owner} writes after {times[^1].TotalSeconds:0.00} s"));
        }

        progress.Say(FormattableString.Invariant(
            $"{beside.Count} of {kills} kills took the owner's ownership actor with it: {Durations.Median([.. beside.DefaultIfEmpty()]).TotalSeconds:0.00} s in the median"));
        return Figures.Within(progress, "failover, median", Durations.Median(times), Ttl + MedianBeyondTtl)
            & Figures.Within(progress, "failover, longest", times.Max(), Ttl + LongestBeyondTtl)
            & Figures.NoOverlap(progress, cluster.Lives);
    }

    private static async Task<string> FollowOwnership(FaultCluster cluster, string owner, CancellationToken cancelled)
    {
        var node = cluster.Cluster.DecidesOn(FaultCluster.Service)!;
        if (node.Name == owner)
        {
            return owner;
        }

        var moved = MachineClock.Boottime;
        var result = await node.Clusterfs(Patience, "move", FaultCluster.Service, "--to", node.Name, "--timeout", "30s", "--json");
        return result.ExitCode == 0 && await cluster.UntilAcknowledged(moved, Patience, cancelled) is not null
            ? node.Name
            : throw new ConditionNotMetException($"the service could not be moved to {node.Name}: {result.Output}{result.Error}");
    }
}
