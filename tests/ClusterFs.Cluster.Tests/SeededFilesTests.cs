using System.Text.Json.Nodes;
using ClusterFs.Demo;
using ClusterFs.Demo.Layout;

namespace ClusterFs.Cluster.Tests;

/// <summary>Seeded files on real nodes: rendered by the daemons, asked for on one of them.</summary>
public sealed class SeededFilesTests
{
    private const string Service = "wiki";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Every_node_renders_its_own_and_each_of_them_knows_of_all()
    {
        await using var cluster = await LocalCluster.Create(new LocalClusterOptions
        {
            Name = "seeded",
            Nodes = 2,
            Binaries = Binaries.Find(),
            Services = [new LocalService(Service, TimeSpan.FromSeconds(2), _ => ["sleep", "1000"])],
        });
        Directory.CreateDirectory(Path.Combine(cluster.SharedDirectory, "wiki"));
        File.WriteAllText(Template(cluster), "I am %NODE% at %ADDRESS% of %DOMAIN%\n");
        foreach (var node in cluster.Nodes)
        {
            // On real nodes, the path is the same on all of them.
            Directory.CreateDirectory(Path.GetDirectoryName(FileOn(node))!);
            File.AppendAllText(node.ConfigurationFile, $$"""
                clusterfs.seeded { poll-every = 200ms, variables.DOMAIN = example.org }
                clusterfs.services.wiki.seeded."{{FileOn(node)}}" {
                  template = wiki/site.conf.in
                  check = "! grep -q wrong \"$CLUSTERFS_STAGED\""
                  reload = "echo $CLUSTERFS_NODE >> {{node.Directory}}/reloads"
                }
                """);
            node.Start();
        }

        var (n1, n2) = (cluster.Nodes[0], cluster.Nodes[1]);
        await cluster.UntilComplete(Patience);
        await Until(n1, "both are current", files => files.Count == 2 && files.All(file => StateOf(file) == "current"));
        Assert.All(cluster.Nodes, node => Assert.Equal($"I am {node.Name} at {node.Address} of example.org\n", File.ReadAllText(FileOn(node))));
        Assert.All(cluster.Nodes, node => Assert.Equal(node.Name + "\n", File.ReadAllText(Path.Combine(node.Directory, "reloads"))));

        File.WriteAllText(FileOn(n2), "mine\n");
        await Until(n1, "the edit on n2 is known", files => files.Any(file => Is(file, n2, "edited")));
        File.WriteAllText(Template(cluster), "wrong on %NODE%\n");
        await Until(n1, "the check refuses on both", files => files.All(file => StateOf(file) == "stale"));
        Assert.Equal("mine\n", File.ReadAllText(FileOn(n2)));

        var diff = await n1.Clusterfs("seeded", "diff", Service, "--node", "n2");
        Assert.Contains($"n2: wiki: {FileOn(n2)}: would be ", diff.Output, StringComparison.Ordinal);
        Assert.Contains("\n-mine\n+wrong on n2\n", diff.Output, StringComparison.Ordinal);
        var refused = await n1.Clusterfs("seeded", "render");
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("n1: wiki: ", refused.Output, StringComparison.Ordinal);
        Assert.Contains("n2: not begun, because n1 has a problem", refused.Output + refused.Error, StringComparison.Ordinal);
        Assert.Equal("mine\n", File.ReadAllText(FileOn(n2)));

        File.WriteAllText(Template(cluster), "right on %NODE%\n");
        var rendered = await n1.Clusterfs("seeded", "render", Service);
        Assert.True(rendered.ExitCode == 0, rendered.Output + rendered.Error);
        Assert.All(cluster.Nodes, node => Assert.Equal($"right on {node.Name}\n", File.ReadAllText(FileOn(node))));
        var kept = Path.Combine(Path.GetDirectoryName(FileOn(n2))!, ".site.conf.clusterfs", "site.conf.edited-1");
        Assert.Contains($"what was changed there is kept as {kept}", rendered.Output, StringComparison.Ordinal);
        Assert.Equal("mine\n", File.ReadAllText(kept));

        // A daemon that starts while shared storage is away leaves what is there, and goes on when it is back.
        await n1.KillEverything();
        Directory.Move(cluster.SharedDirectory, cluster.SharedDirectory + ".away");
        n1.Start();
        await Until(n1, "n1 says that it cannot tell", files => files.Any(file => Is(file, n1, "unknown")));
        Assert.Equal("right on n1\n", File.ReadAllText(FileOn(n1)));
        File.WriteAllText(Template(cluster.SharedDirectory + ".away"), "back on %NODE%\n");
        Directory.Move(cluster.SharedDirectory + ".away", cluster.SharedDirectory);
        await Until(n1, "both are current again", files => files.Count == 2 && files.All(file => StateOf(file) == "current"));
        Assert.Equal("back on n1\n", File.ReadAllText(FileOn(n1)));

        Task Until(ClusterNode node, string what, Func<IReadOnlyList<JsonNode>, bool> condition) => Eventually.Get(
            what, Patience, async () => condition(await SeenFrom(node)) ? what : null, cluster.Evidence);
    }

    private static string Template(LocalCluster cluster) => Template(cluster.SharedDirectory);

    private static string Template(string shared) => Path.Combine(shared, "wiki", "site.conf.in");

    private static string FileOn(ClusterNode node) => Path.Combine(node.Directory, "etc", "site.conf");

    private static bool Is(JsonNode file, ClusterNode node, string state) => (string?)file["node"] == node.Name && StateOf(file) == state;

    private static string? StateOf(JsonNode file) => (string?)file["state"];

    private static async Task<IReadOnlyList<JsonNode>> SeenFrom(ClusterNode node)
    {
        var status = await node.Clusterfs("status", "--json");
        return status.ExitCode != 0 ? [] : [.. JsonNode.Parse(status.Output)!["services"]![0]!["seeded"]!.AsArray().Select(file => file!)];
    }
}
