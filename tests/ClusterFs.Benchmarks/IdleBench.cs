using System.Diagnostics;
using ClusterFs.Demo;
using ClusterFs.Demo.Layout;
using ClusterFs.Faults.Rig;

namespace ClusterFs.Benchmarks;

/// <summary>
/// What a daemon costs while nothing happens, on three nodes of this machine; and beside it, in the same run, what three nodes of nothing but Akka.Cluster cost,
/// at the daemon's pace and at Akka's own.
/// </summary>
internal sealed class IdleBench(string scratch, int services)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    /// <summary>What a start needed is compiled, collected and given back by then.</summary>
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan Watched = TimeSpan.FromSeconds(60);

    public int Run() => RunAsync().GetAwaiter().GetResult();

    private async Task<int> RunAsync()
    {
        await MeasureDaemons();
        await MeasurePlain("Akka.Cluster alone, at the daemon's pace", PlainNode.DaemonsPace);
        await MeasurePlain("Akka.Cluster alone, at its own", PlainNode.OwnPace);
        return 0;
    }

    private async Task MeasureDaemons()
    {
        await using var cluster = await LocalCluster.Create(new LocalClusterOptions
        {
            Name = "idle",
            Parent = scratch,
            Binaries = Binaries.Find(),
            Services = [.. Enumerable.Range(1, services).Select(number => new LocalService($"s{number}", TimeSpan.FromSeconds(5), _ => ["sleep", "1000"]))],
        });
        foreach (var node in cluster.Nodes)
        {
            node.Start();
        }

        await cluster.UntilComplete(Patience);
        await Measure(
            $"clusterfsd, {services} services",
            [.. cluster.Nodes.Select(node => node.Processes().Single(process => Process.GetProcessById(process).ProcessName == "clusterfsd"))]);
    }

    private static async Task MeasurePlain(string name, string pace)
    {
        var nodes = Enumerable.Range(1, 3).Select(number => Process.Start(Environment.ProcessPath!, ["plain-node", $"127.0.0.{number}", pace])).ToList();
        try
        {
            await Measure(name, [.. nodes.Select(node => node.Id)]);
        }
        finally
        {
            foreach (var node in nodes)
            {
                node.Kill();
                node.WaitForExit();
                node.Dispose();
            }
        }
    }

    private static async Task Measure(string name, IReadOnlyList<int> processes)
    {
        await Task.Delay(Settling);
        var before = processes.Select(ProcessCost.Of).ToList();
        await Task.Delay(Watched);
        var after = processes.Select(ProcessCost.Of).ToList();
        var costs = after.Zip(before, (now, then) => FormattableString.Invariant(
            $"{now.PercentSince(then):F1} % of a core, {now.Resident / 1e6:F0} MB, {now.Proportional / 1e6:F0} MB of which are its share"));
        Console.WriteLine($"{name}:");
        foreach (var cost in costs)
        {
            Console.WriteLine($"  {cost}");
        }
    }
}
