using System.Text.Json.Nodes;
using ClusterFs.Cluster.Tests.Bench;
using ClusterFs.Demo;
using ClusterFs.Demo.Layout;

namespace ClusterFs.Cluster.Tests;

/// <summary>Config files on three real nodes: rolled out by the daemons, one after the other.</summary>
public sealed class ConfigFilesTests
{
    private const string Service = "wiki";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    [SkippableFact]
    public async Task A_right_version_reaches_all_nodes_and_a_wrong_one_none()
    {
        Skip.IfNot(Environment.IsPrivilegedProcess && File.Exists("/usr/bin/unshare"), "needs root and /usr/bin/unshare, to give a check a view of its own");
        await using var cluster = await LocalCluster.Create(new LocalClusterOptions
        {
            Name = "config",
            Nodes = 3,
            Binaries = Binaries.Find(),
            Services = [new LocalService(Service, TimeSpan.FromSeconds(2), _ => ["sleep", "1000"])],
        });
        var source = Path.Combine(cluster.SharedDirectory, "nginx", "wiki.conf");
        Directory.CreateDirectory(Path.GetDirectoryName(source)!);
        File.WriteAllText(source, "one\n");
        foreach (var node in cluster.Nodes)
        {
            // On real nodes, the path is the same on all of them. The last one looks by itself once an hour: what it has in time, the others told it.
            Directory.CreateDirectory(Path.GetDirectoryName(Including(node))!);
            File.WriteAllText(Including(node), $"of {node.Name}\n");
            File.AppendAllText(node.ConfigurationFile, $$"""
                clusterfs.config.poll-every = {{(node == cluster.Nodes[^1] ? "1h" : "500ms")}}
                clusterfs.services.wiki.config.nginx {
                  source = nginx/wiki.conf
                  include-in = "{{Including(node)}}"
                  check = "! grep -q \"wrong on $CLUSTERFS_NODE\" \"$CLUSTERFS_PATH\" || { echo no good here; false; }"
                  reload = "echo $CLUSTERFS_NODE $(cat $CLUSTERFS_PATH) >> {{cluster.SharedDirectory}}/reloads"
                }
                """);
            node.Start();
        }

        var (n1, n2, n3) = (cluster.Nodes[0], cluster.Nodes[1], cluster.Nodes[2]);
        await cluster.UntilComplete(Patience);
        await Until(n2, "all use the first", files => files.Count == 3 && files.All(file => StateOf(file) == "current"));
        Assert.Equal(["n1 one", "n2 one", "n3 one"], Reloads(cluster));
        Assert.All(cluster.Nodes, node => Assert.StartsWith($"of {node.Name}\n# BEGIN clusterfs wiki/nginx ", File.ReadAllText(Including(node)), StringComparison.Ordinal));

        File.WriteAllText(source, "wrong on n1\n");
        await Until(n3, "n1 refuses", files => files.Any(file => Is(file, n1, "failed")));
        await Until(n3, "the others are told", files => files.Count(file => StateOf(file) == "behind") == 2);
        Assert.Equal(3, Reloads(cluster).Length);
        var figures = await Scrape.Of(cluster, n1);
        Assert.Contains("clusterfs_service_config_versions_total{config=\"nginx\",node=\"n1\",result=\"failed\",service=\"wiki\"} 1\n", figures, StringComparison.Ordinal);
        Assert.Contains("clusterfs_service_config_rollout_stopped{config=\"nginx\",node=\"n1\",service=\"wiki\"} 1\n", figures, StringComparison.Ordinal);
        var status = await n3.Clusterfs("config", "status");
        Assert.Equal(1, status.ExitCode);
        Assert.Contains("stopped: n1 failed, n2 waiting, n3 waiting", status.Output, StringComparison.Ordinal);
        Assert.Contains("no good here", status.Output, StringComparison.Ordinal);
        var diff = await n3.Clusterfs("config", "apply", Service, "--dry-run");
        Assert.Contains("n2:nginx/wiki.conf (in use)", diff.Output, StringComparison.Ordinal);
        Assert.Contains("\n-one\n+wrong on n1\n", diff.Output, StringComparison.Ordinal);
        var refused = await n3.Clusterfs("config", "apply", Service);
        Assert.True(refused.ExitCode == 1, refused.Output + refused.Error);
        Assert.Contains("stopped at n1: the check refused version", refused.Output + refused.Error, StringComparison.Ordinal);
        Assert.Equal(3, Reloads(cluster).Length);

        // The first node's daemon is killed in the roll-out: its next one goes on, and then the others.
        File.WriteAllText(source, "two\n");
        var applied = n3.Clusterfs(Patience, "config", "apply");
        await Until(n3, "n1 is at it or through", files => files.Any(file => (string?)file["rollout"]?["nodes"]?[0]?["turn"] is "running" or "passed"));
        await n1.KillEverything();
        n1.Start();
        var done = await applied;
        Assert.True(done.ExitCode == 0, done.Output + done.Error);
        Assert.Contains("n3: wiki: nginx: passed", done.Output, StringComparison.Ordinal);
        await Until(n2, "all use the second", files => files.Count == 3 && files.All(file => StateOf(file) == "current"));
        Assert.All(cluster.Nodes, node => Assert.Contains($"{node.Name} two", Reloads(cluster)));

        File.WriteAllText(Including(n2), "of n2\n");
        await Until(n3, "the missing block is known", files => files.Any(file => Is(file, n2, "drifted")));
        Assert.Equal(0, (await n2.Clusterfs("config", "apply")).ExitCode);
        Assert.Contains("include ", File.ReadAllText(Including(n2)), StringComparison.Ordinal);

        Task Until(ClusterNode node, string what, Func<IReadOnlyList<JsonNode>, bool> condition) => Eventually.Get(
            what, Patience, async () => condition(await SeenFrom(node)) ? what : null, cluster.Evidence);
    }

    private static string[] Reloads(LocalCluster cluster) => File.ReadAllLines(Path.Combine(cluster.SharedDirectory, "reloads"));

    private static string Including(ClusterNode node) => Path.Combine(node.Directory, "etc", "nginx.conf");

    private static bool Is(JsonNode file, ClusterNode node, string state) => (string?)file["node"] == node.Name && StateOf(file) == state;

    private static string? StateOf(JsonNode file) => (string?)file["state"];

    private static async Task<IReadOnlyList<JsonNode>> SeenFrom(ClusterNode node)
    {
        var status = await node.Clusterfs("status", "--json");
        return status.ExitCode != 0 ? [] : [.. JsonNode.Parse(status.Output)!["services"]![0]!["config"]!.AsArray().Select(file => file!)];
    }
}
