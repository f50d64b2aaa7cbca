using System.Diagnostics;
using System.Text.Json.Nodes;
using ClusterFs.Cluster.Tests.Static;
using ClusterFs.Demo;
using ClusterFs.Demo.Layout;
using ClusterFs.Demo.Processes;

namespace ClusterFs.Benchmarks;

/// <summary>
/// Static content on three real nodes of this machine, with local copies, behind nginx where it is installed, with a reader at each that fetches all the
/// time: how long it takes from the command to the last node's switch when 1 % of the files changed, and how far apart the switches are.
/// </summary>
internal sealed class StaticBench(string scratch, int files)
{
    private const int Size = 51 << 10;
    private const int Rounds = 3;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    public int Run() => RunAsync().GetAwaiter().GetResult();

    private async Task<int> RunAsync()
    {
        await using var cluster = await LocalCluster.Create(new LocalClusterOptions
        {
            Name = "bench",
            Parent = scratch,
            Binaries = Binaries.Find(),
            Services = [new LocalService("wiki", TimeSpan.FromSeconds(5), _ => ["sleep", "1000"])],
        });
        foreach (var node in cluster.Nodes)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Served(node))!);
            File.AppendAllText(node.ConfigurationFile, $"clusterfs.services.wiki.static.www {{ path = \"{Served(node)}\", cache = local }}\n");
            node.Start();
        }

        await cluster.UntilComplete(Patience);
        var source = Path.Combine(cluster.Directory, "site");
        Pages.Write(source, Enumerable.Range(0, files), "generation 1", Size);
        await Publish("all new", cluster.Nodes[0], source);
        var servers = new List<WebServer>();
        var readers = new List<SteadyReader>();
        foreach (var node in File.Exists(WebServer.Nginx) ? cluster.Nodes : [])
        {
            servers.Add(await WebServer.Start(Path.Combine(node.Directory, "nginx"), node.Address, node.ServicePort, Served(node)));
            readers.Add(new SteadyReader(servers[^1].Address, [.. Enumerable.Range(1, Rounds).SelectMany(ChangedIn).Distinct().Select(Pages.PathOf)]));
        }

        for (var round = 1; round <= Rounds; round++)
        {
            Pages.Write(source, ChangedIn(round), $"generation {round + 1}", Size);
            await Publish("1 % changed", cluster.Nodes[round % cluster.Nodes.Count], source);
        }

        foreach (var reader in readers)
        {
            await reader.DisposeAsync();
            Console.WriteLine(FormattableString.Invariant(
                $"a reader: {reader.Fetched} fetches, {reader.Wrong.Count} wrong, the longest took {reader.Longest.TotalMilliseconds:F0} ms, {reader.Seen.Count} generations seen"));
        }

        servers.ForEach(server => server.Dispose());
        return readers.All(reader => reader.Wrong.IsEmpty) ? 0 : 1;
    }

    /// <summary>One page in a hundred, all over the site.</summary>
    private IEnumerable<int> ChangedIn(int round) => Enumerable.Range(0, files / 100).Select(page => ((page * 97) + (round * 13)) % files);

    private static async Task Publish(string what, ClusterNode node, string source)
    {
        var started = Stopwatch.GetTimestamp();
        var begun = DateTimeOffset.UtcNow;
        var result = await node.Clusterfs(Patience, "static", "publish", "www", source, "--json");
        var took = Stopwatch.GetElapsedTime(started);
        var published = JsonNode.Parse(result.Successful().Output)!;
        var switched = published["nodes"]!.AsArray().Select(one => (DateTimeOffset)one!["contents"]![0]!["content"]!["switchedAt"]!).ToList();
        Console.WriteLine(FormattableString.Invariant(
            $"{what + ":",-14} the command took {took.TotalSeconds:F2} s; the last of {switched.Count} nodes switched after {(switched.Max() - begun).TotalSeconds:F2} s, {(switched.Max() - switched.Min()).TotalMilliseconds:F0} ms after the first; {(long)published["files"]!} files, {(long)published["bytes"]! >> 20} MiB, {(long)published["changed"]!} changed, {(long)published["storedBytes"]! >> 10} KiB added"));
    }

    private static string Served(ClusterNode node) => Path.Combine(node.Directory, "www", "wiki");
}
