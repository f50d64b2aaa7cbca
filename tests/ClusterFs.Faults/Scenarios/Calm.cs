using ClusterFs.Demo;
using ClusterFs.Demo.Processes;
using ClusterFs.Faults.Rig;
using ClusterFs.Faults.Schedule;
using ClusterFs.Posix;

namespace ClusterFs.Faults.Scenarios;

/// <summary>What must not cause a failover.</summary>
/// <param name="Busy">Another program keeps all cores busy.</param>
/// <param name="DatabaseAway">The database is stopped all the time.</param>
/// <param name="RestartDaemon">The daemon of the owner is killed every minute.</param>
internal sealed record Strain(bool Busy, bool DatabaseAway, bool RestartDaemon);

/// <summary>A healthy owner under strain: the same process writes from the beginning to the end.</summary>
internal static class Calm
{
    private static readonly TimeSpan BetweenRestarts = TimeSpan.FromMinutes(1);

    /// <returns>Whether all was as promised.</returns>
    public static async Task<bool> Run(FaultCluster cluster, TimeSpan duration, Strain strain, Progress progress, CancellationToken cancelled)
    {
        var owner = await cluster.Settle(cancelled);
        var before = cluster.Lives;
        var began = MachineClock.Boottime;
        progress.Say($"{owner} writes; {strain} for {duration.TotalMinutes:0.#} minutes");
        var loops = strain.Busy ? Enumerable.Range(0, Environment.ProcessorCount).Select(_ => KeepCoreBusy(cluster)).ToList() : [];
        if (strain.DatabaseAway)
        {
            await cluster.Cluster.Postgres.Stop();
        }

        var restarts = 0;
        while (MachineClock.Boottime - began is var elapsed && elapsed < duration)
        {
            var left = duration - elapsed;
            await Task.Delay(left < BetweenRestarts ? left : BetweenRestarts, cancelled);
            if (strain.RestartDaemon && left > BetweenRestarts)
            {
                cluster.Machine(owner).Signal(Part.Daemon, Processes.SignalKill);
                restarts++;
            }
        }

        loops.ForEach(loop => loop.Signal(Processes.SignalKill));
        if (strain.DatabaseAway)
        {
            await cluster.Cluster.Postgres.Start();
        }

        var still = await cluster.UntilAcknowledged(MachineClock.Boottime, TimeSpan.FromSeconds(5), cancelled) is not null;
        var lives = cluster.Lives;
        progress.Say($"{(lives.Count == before.Count && still ? "ok  " : "FAIL")} {lives.Count - before.Count} needless failovers or restarts of the service; daemon of the owner killed {restarts} times");
        var acknowledged = lives[^1].Acknowledged.Values.Where(at => at >= began).Order().ToList();
        var longest = acknowledged.Zip(acknowledged.Skip(1)).Max(pair => pair.Second - pair.First);
        progress.Say(FormattableString.Invariant($"     {acknowledged.Count} records; longest time between two: {longest.TotalSeconds:0.00} s"));
        return lives.Count == before.Count && still;
    }

    private static LaunchedProcess KeepCoreBusy(FaultCluster cluster) => LaunchedProcess.Start(
        "busy",
        Path.Combine(cluster.Site.Directory, "busy.log"),
        cluster.Site.Directory,
        cluster.Cluster.EnvironmentOf("busy"),
        ["/bin/sh", "-c", "while :; do :; done"]);
}
