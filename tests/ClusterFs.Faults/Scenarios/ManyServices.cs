using ClusterFs.Demo;
using ClusterFs.Demo.Processes;
using ClusterFs.Faults.Rig;
using ClusterFs.Posix;

namespace ClusterFs.Faults.Scenarios;

/// <summary>What guards and daemons cost while nothing happens but that many leases are kept.</summary>
internal static class ManyServices
{
    private const double ProcessorAllowed = 5;
    private const double MemoryAllowed = 300;

    private static readonly TimeSpan ReadyPatience = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan GrantPatience = TimeSpan.FromMinutes(15);
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Duration = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan IdleWarmUp = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan IdleDuration = TimeSpan.FromSeconds(30);

    /// <returns>Whether all was as promised.</returns>
    public static async Task<bool> Run(ManyServicesCluster cluster, Progress progress, CancellationToken cancelled)
    {
        await cluster.Cluster.UntilComplete(ReadyPatience, cancelled);
        progress.Say($"all nodes are members; {IdleWarmUp.TotalSeconds:0} s to warm up, then {IdleDuration.TotalSeconds:0} s are measured while nothing is owned");
        await Task.Delay(IdleWarmUp, cancelled);
        var idle = Costs(cluster, held: false);
        await Task.Delay(IdleDuration, cancelled);
        var without = Costs(cluster, held: false).ToDictionary(one => one.Key, one => one.Value.Cost.PercentSince(idle[one.Key].Cost));
        cluster.Hold();
        await UntilAllOwned(cluster, progress, cancelled);
        progress.Say($"all are owned; {WarmUp.TotalSeconds:0} s to warm up, then {Duration.TotalSeconds:0} s are measured");
        await Task.Delay(WarmUp, cancelled);

        var owned = await cluster.Owned();
        // What the question itself costs is not what is measured.
        await Task.Delay(Look, cancelled);
        var before = Costs(cluster, held: true);
        await Task.Delay(Duration, cancelled);
        var after = Costs(cluster, held: true);
        var still = await cluster.Owned();

        var holds = true;
        foreach (var (name, (counts, cost)) in after)
        {
            var processor = cost.PercentSince(before[name].Cost);
            var memory = cost.Resident / 1e6;
            if (counts)
            {
                progress.Say(FormattableString.Invariant($"     {name}: {processor:0.0} % of a core, {without[name]:0.0} % while nothing was owned"));
                holds &= Figures.Within(progress, $"{name}, of a core for the leases", processor - without[name], ProcessorAllowed, "%");
                holds &= Figures.Within(progress, $"{name}, resident", memory, MemoryAllowed, "MB");
            }
            else
            {
                progress.Say(FormattableString.Invariant($"     {name}: {processor:0.0} % of a core, {memory:0.0} MB resident"));
            }

            progress.Say(FormattableString.Invariant($"     {name}: {cost.Proportional / 1e6:0.0} MB its proportional share"));
        }

        var lost = cluster.Cluster.Options.Services.Count(service => !owned.TryGetValue(service.Name, out var first)
            || !still.TryGetValue(service.Name, out var last) || first != last);
        return holds & Figures.Within(progress, "leases lost", lost, 0, $"of {cluster.Cluster.Options.Services.Count}");
    }

    private static async Task UntilAllOwned(ManyServicesCluster cluster, Progress progress, CancellationToken cancelled)
    {
        var all = cluster.Cluster.Options.Services.Count;
        var began = MachineClock.Boottime;
        while (true)
        {
            await Task.Delay(Look, cancelled);
            var owned = await cluster.Owned();
            progress.Say($"{owned.Count} of {all} are owned: {string.Join(", ", owned.Values.CountBy(one => one.Owner).Select(one => $"{one.Key} {one.Value}"))}");
            if (owned.Count == all)
            {
                return;
            }

            if (MachineClock.Boottime - began > GrantPatience)
            {
                throw new ConditionNotMetException($"only {owned.Count} of {all} services are owned{Environment.NewLine}{cluster.Cluster.Evidence()}");
            }
        }
    }

    /// <summary>By name; what the harness holds the services with counts for nobody.</summary>
    private static Dictionary<string, (bool Counts, ProcessCost Cost)> Costs(ManyServicesCluster cluster, bool held) => cluster.Cluster.Nodes
        .SelectMany(node => new[]
        {
            (Process: node.Guard!, Counts: true), (Process: node.Daemon!, Counts: true),
        }.Concat(held ? [(Process: cluster.HolderOf(node), Counts: false)] : []))
        .ToDictionary(one => one.Process.Name, one => (one.Counts, Living(one.Process)));

    private static ProcessCost Living(LaunchedProcess process) => process.HasExited
        ? throw new ConditionNotMetException($"{process.Name} has ended with exit code {process.ExitCode}{Environment.NewLine}{LogTail.Of(process.LogFile)}")
        : ProcessCost.Of(process.Id);
}
