using ClusterFs.Demo;
using ClusterFs.Faults.Checking;
using ClusterFs.Faults.Rig;
using ClusterFs.Posix;

namespace ClusterFs.Faults.Scenarios;

/// <summary>How long a failover takes when all processes of the owner are killed, many times, with some live content to be restored.</summary>
internal static class Kills
{
    public const long LiveContent = 50 << 20;

    private static readonly TimeSpan MedianBeyondTtl = TimeSpan.FromSeconds(1.5);
    private static readonly TimeSpan LongestBeyondTtl = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <returns>Whether all was as promised.</returns>
    public static async Task<bool> Run(FaultCluster cluster, int kills, Progress progress, CancellationToken cancelled)
    {
        var times = new List<TimeSpan>();
        for (var kill = 1; kill <= kills; kill++)
        {
            var owner = await cluster.Settle(cancelled);
            var killed = MachineClock.Boottime;
            cluster.Machine(owner).KillEverything();
            var dead = MachineClock.Boottime;
            var wrote = await cluster.UntilAcknowledged(dead, Patience, cancelled)
                ?? throw new ConditionNotMetException($"nobody wrote after kill {kill} of {owner}{Environment.NewLine}{cluster.Cluster.Evidence()}");
            times.Add(wrote - killed);
            progress.Say(FormattableString.Invariant(
                $"kill {kill}: all processes of {owner}; {cluster.Owner} writes after {times[^1].TotalSeconds:0.00} s"));
        }

        var ttl = cluster.Cluster.Options.Ttl;
        return Figures.Within(progress, "failover, median", Durations.Median(times), ttl + MedianBeyondTtl)
            & Figures.Within(progress, "failover, longest", times.Max(), ttl + LongestBeyondTtl)
            & Figures.NoOverlap(progress, cluster.Lives);
    }
}
