using System.Text.Json.Nodes;
using ClusterFs.Cluster.Tests.Bench;
using ClusterFs.Demo;
using ClusterFs.Demo.Layout;
using ClusterFs.Demo.Processes;

namespace ClusterFs.Cluster.Tests.Static;

/// <summary>Static content on real nodes behind real web servers, with a reader at each that fetches all the time.</summary>
public sealed class StaticFilesTests
{
    private const int Count = 60;
    private const int Size = 20_000;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan MostApart = TimeSpan.FromMilliseconds(200);

    /// <summary>The nodes are on one machine with their readers, which would take all of it.</summary>
    private static readonly TimeSpan BetweenFetches = TimeSpan.FromMilliseconds(3);

    [SkippableFact]
    public async Task All_nodes_switch_together_and_no_reader_ever_sees_an_error_or_a_mixture()
    {
        Skip.IfNot(File.Exists(WebServer.Nginx), "nginx is not installed: apt-get install nginx-light");
        await using var cluster = await LocalCluster.Create(new LocalClusterOptions
        {
            Name = "static",
            Binaries = Binaries.Find(),
            Services = [new LocalService("wiki", TimeSpan.FromSeconds(2), _ => ["sleep", "1000"])],
        });
        foreach (var node in cluster.Nodes)
        {
            // On real nodes, the path is the same on all of them. The last one looks by itself once an hour: what it has in time, the others told it.
            Directory.CreateDirectory(Path.GetDirectoryName(Served(node))!);
            File.AppendAllText(node.ConfigurationFile, $$"""
                clusterfs.static { poll-every = {{(node == cluster.Nodes[^1] ? "1h" : "300ms")}}, switch-timeout = 20s }
                clusterfs.services.wiki.static.www { path = "{{Served(node)}}", cache = local }
                """);
            node.Start();
        }

        var (n1, n2, n3) = (cluster.Nodes[0], cluster.Nodes[1], cluster.Nodes[2]);
        await cluster.UntilComplete(Patience);
        var source = Path.Combine(cluster.Directory, "site");
        Pages.Write(source, Enumerable.Range(0, Count), "first", Size);
        var first = await Publish(n1, source);
        Assert.Equal(1, (long)first["generation"]!);
        Assert.All(cluster.Nodes, node => Assert.Equal("first", Serves(node, 0)));

        var servers = new List<WebServer>();
        var readers = new List<SteadyReader>();
        try
        {
            foreach (var node in cluster.Nodes)
            {
                servers.Add(await WebServer.Start(Path.Combine(node.Directory, "nginx"), node.Address, node.ServicePort, Served(node)));
                readers.Add(new SteadyReader(servers[^1].Address, [.. Enumerable.Range(0, Count).Select(Pages.PathOf)], BetweenFetches));
            }

            // Published on another node than the one before.
            Pages.Write(source, [0, 7], "second", Size);
            var second = await Publish(n2, source);
            Assert.Equal(2, (long)second["changed"]!);
            Assert.All(cluster.Nodes, node => Assert.Equal(("second", "first"), (Serves(node, 7), Serves(node, 8))));
            var switched = second["nodes"]!.AsArray().Select(node => (DateTimeOffset)node!["contents"]![0]!["content"]!["switchedAt"]!).ToList();
            Assert.Equal(3, switched.Count);
            Assert.True(switched.Max() - switched.Min() < MostApart, $"switched {(switched.Max() - switched.Min()).TotalMilliseconds} ms apart");

            // A node that is away is not waited for, and has it before long when it is back.
            await n3.KillEverything();
            Pages.Write(source, [0], "third", Size);
            await Until("n3 is known to be away", async () => await Reachable(n1, n3) is false);
            var third = await Publish(n1, source);
            Assert.Equal(("third", "second"), (Serves(n1, 0), Serves(n3, 0)));
            Assert.Contains("switches when it is back", (string)third["nodes"]!.AsArray().Single(node => (string)node!["node"]! == "n3")!["problem"]!, StringComparison.Ordinal);
            n3.Start();
            await Eventually.True("n3 has followed", Patience, () => Serves(n3, 0) == "third");

            // From two nodes at once: both are generations, and all serve the later one.
            await cluster.UntilComplete(Patience);
            var other = Path.Combine(cluster.Directory, "other");
            Pages.Write(source, [0], "fourth", Size);
            Pages.Write(other, Enumerable.Range(0, Count), "fifth", Size);
            var both = await Task.WhenAll(Publish(n1, source), Publish(n2, other));
            var numbers = both.Select(one => (long)one["generation"]!).ToList();
            Assert.NotEqual(numbers[0], numbers[1]);
            var last = numbers[0] > numbers[1] ? "fourth" : "fifth";
            await Eventually.True("all serve the later one", Patience, () => cluster.Nodes.All(node => Serves(node, 0) == last));

            // A rollback is the older one's files again.
            var back = Parse(await n3.Clusterfs("static", "rollback", "www", "--to", "2", "--json"));
            await Eventually.True("all serve the old one", Patience, () => cluster.Nodes.All(node => Serves(node, 0) == "second"));
            Assert.Equal(numbers.Max() + 1, (long)back["generation"]!);
            var listed = Parse(await n1.Clusterfs("static", "list", "wiki/www", "--json"));
            Assert.Equal(2, (long)listed["generations"]!.AsArray()[^1]!["repeats"]!);

            foreach (var node in cluster.Nodes)
            {
                Assert.Contains(
                    $"clusterfs_service_static_generation{{content=\"www\",node=\"{node.Name}\",service=\"wiki\"}} {numbers.Max() + 1}\n", await Scrape.Of(cluster, node), StringComparison.Ordinal);
            }

            // Shared storage goes away: what is here is served on, and the status says how old it is.
            Directory.Move(cluster.SharedDirectory, cluster.SharedDirectory + ".away");
            await Until("the status says so", async () => await ReasonOn(n1) is { } reason && reason.Contains("is served on", StringComparison.Ordinal));
            var fetched = readers[0].Fetched;
            await Eventually.True("it is served on", Patience, () => readers[0].Fetched > fetched + Count);
            Directory.Move(cluster.SharedDirectory + ".away", cluster.SharedDirectory);
            await Until("all is well again", async () => await ReasonOn(n1) is null);
        }
        finally
        {
            foreach (var reader in readers)
            {
                await reader.DisposeAsync();
            }

            servers.ForEach(server => server.Dispose());
        }

        Assert.All(readers, reader =>
        {
            Assert.Empty(reader.Wrong);
            Assert.True(reader.Seen.ContainsKey("second") && reader.Seen.ContainsKey("first"), string.Join(", ", reader.Seen.Keys));
        });
    }

    private static Task<string> Until(string what, Func<Task<bool>> condition) => Eventually.Get(what, Patience, async () => await condition() ? what : null);

    private static async Task<JsonNode> Publish(ClusterNode node, string source) =>
        Parse(await node.Clusterfs(Patience, "static", "publish", "www", source, "--json"));

    private static JsonNode Parse(CommandResult result) => JsonNode.Parse(result.Successful().Output)!;

    private static string Served(ClusterNode node) => Path.Combine(node.Directory, "www", "wiki");

    private static string Serves(ClusterNode node, int page) => Pages.NamesIn(File.ReadAllText(Path.Combine(Served(node), Pages.PathOf(page)))).First;

    private static async Task<bool?> Reachable(ClusterNode asked, ClusterNode other)
    {
        var status = await asked.Clusterfs("status", "--json");
        return status.ExitCode != 0
            ? null
            : (bool)JsonNode.Parse(status.Output)!["cluster"]!["members"]!.AsArray().Single(member => (string)member!["name"]! == other.Name)!["reachable"]!;
    }

    private static async Task<string?> ReasonOn(ClusterNode node)
    {
        var status = await node.Clusterfs("status", "--json");
        return status.ExitCode != 0
            ? "the daemon does not answer"
            : (string?)JsonNode.Parse(status.Output)!["services"]![0]!["static"]!.AsArray().Single(one => (string)one!["node"]! == node.Name)!["reason"];
    }
}
