using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using ClusterFs.Demo;
using ClusterFs.Demo.Layout;

namespace ClusterFs.Benchmarks;

/// <summary>
/// What a daemon's looks at a config file cost that is a directory of many files and does not change: its processor time with a look every two seconds, beside
/// that of a daemon that looks once an hour; and how long it takes until a change of one file is in use.
/// </summary>
internal sealed class PollingBench(string scratch, int files)
{
    private const int PerDirectory = 100;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan Watched = TimeSpan.FromSeconds(30);

    public int Run() => RunAsync().GetAwaiter().GetResult();

    private async Task<int> RunAsync()
    {
        var rarely = await Measure("1h");
        var often = await Measure("2s");
        Console.WriteLine(FormattableString.Invariant(
            $"{files} files: a look every 2 s takes {(often - rarely) / Watched.TotalMilliseconds * 100:F1} % of one core ({often:F0} beside {rarely:F0} ms in {Watched.TotalSeconds:F0} s)"));
        return 0;
    }

    /// <returns>Milliseconds.</returns>
    private async Task<double> Measure(string every)
    {
        await using var cluster = await LocalCluster.Create(new LocalClusterOptions
        {
            Name = "polling",
            Nodes = 1,
            Parent = scratch,
            Binaries = Binaries.Find(),
            Services = [new LocalService("wiki", TimeSpan.FromSeconds(5), _ => ["sleep", "1000"])],
        });
        var node = cluster.Nodes[0];
        var tree = Path.Combine(cluster.SharedDirectory, "tree");
        for (var file = 0; file < files; file++)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(PathOf(tree, file))!);
            File.WriteAllText(PathOf(tree, file), $"setting {file} = one\n");
        }

        var copy = Path.Combine(node.Directory, "etc", "tree");
        Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
        File.AppendAllText(node.ConfigurationFile, $$"""
            clusterfs.config.poll-every = {{every}}
            clusterfs.services.wiki.config.tree { source = tree, link = "{{copy}}" }
            """);
        node.Start();
        await cluster.UntilComplete(Patience);
        if (every == "1h")
        {
            await node.Clusterfs(Patience, "config", "apply", "wiki");
        }

        await Eventually.Get("the tree is in use", Patience, async () => await IsCurrent(node) ? node : null, cluster.Evidence);

        // What the roll-out left to be collected is not what is measured.
        await Task.Delay(TimeSpan.FromSeconds(5));
        var before = ProcessorTime(node);
        await Task.Delay(Watched);
        var took = (ProcessorTime(node) - before).TotalMilliseconds;
        if (every != "1h")
        {
            var changed = Stopwatch.GetTimestamp();
            File.WriteAllText(PathOf(tree, files / 2), "setting = two\n");
            await Eventually.True(
                "the change is in use", Patience, () => File.ReadAllText(PathOf(copy, files / 2)).Contains("two", StringComparison.Ordinal), cluster.Evidence);
            Console.WriteLine(FormattableString.Invariant($"one of {files} files changed: in use after {Stopwatch.GetElapsedTime(changed).TotalSeconds:F1} s, 3 of which are waited for another change"));
        }

        return took;
    }

    private static string PathOf(string tree, int file) =>
        Path.Combine(tree, (file / PerDirectory).ToString(CultureInfo.InvariantCulture), file.ToString(CultureInfo.InvariantCulture) + ".conf");

    private static async Task<bool> IsCurrent(ClusterNode node)
    {
        var status = await node.Clusterfs("status", "--json");
        return status.ExitCode == 0 && (string?)JsonNode.Parse(status.Output)!["services"]![0]!["config"]?[0]?["state"] == "current";
    }

    private static TimeSpan ProcessorTime(ClusterNode node) => node.Processes()
        .Select(id => Process.GetProcessById(id))
        .Where(process => process.ProcessName == "clusterfsd")
        .Aggregate(TimeSpan.Zero, (sum, process) => sum + process.TotalProcessorTime);
}
