using System.Text.Json;
using ClusterFs.Demo;
using ClusterFs.Demo.Layout;
using ClusterFs.Posix;

namespace ClusterFs.Cluster.Tests;

/// <summary>Daemons and guards that end, of which somebody is told once: real processes, in one course of events.</summary>
public sealed class NodeNotificationTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    private readonly DirectoryInfo _told = Directory.CreateTempSubdirectory("clusterfs-told-");

    private string Told => Path.Combine(_told.FullName, "told");

    public void Dispose() => _told.Delete(recursive: true);

    [Fact]
    public async Task A_lost_node_is_told_once_by_one_node_and_a_lost_guard_by_its_daemon()
    {
        await using var cluster = await LocalCluster.Create(new LocalClusterOptions
        {
            Name = "lost",
            Ttl = TimeSpan.FromSeconds(2),
            StopBudget = TimeSpan.FromMilliseconds(500),
            Binaries = Binaries.Find(),
            Settings = $"notify {{ command = \"cat >> {Told}\", on = [node-lost, node-back, guard-lost, guard-back], node-lost-after = 4s }}",
            Services = [new("idle", TimeSpan.FromSeconds(1), _ => ["sleep", "3600"], "")],
        });
        foreach (var node in cluster.Nodes)
        {
            node.Start();
        }

        await cluster.UntilComplete(Patience);
        var (first, second) = (cluster.Nodes[0], cluster.Nodes[1]);
        List<string> expected = [];

        second.Guard!.Signal(Processes.SignalKill);
        Assert.Equal(second.Name, await UntilTold("guard-lost", second));
        second.Start();
        Assert.Equal(second.Name, await UntilTold("guard-back", second));

        // It leads again as soon as it is back, and knows nothing of what was told.
        first.Daemon!.Signal(Processes.SignalKill);
        Assert.NotEqual(first.Name, await UntilTold("node-lost", first));
        first.Start();
        Assert.NotEqual(first.Name, await UntilTold("node-back", first));

        async Task<string> UntilTold(string kind, ClusterNode node)
        {
            expected.Add($"{kind} {node.Name}");
            await Eventually.True($"{kind} of {node.Name} is told", Patience, () => Read().Count >= expected.Count, cluster.Evidence);
            Assert.Equal(expected, Read().Select(line => $"{line.GetProperty("event")} {line.GetProperty("node")}"));
            Assert.All(Read(), line => Assert.Equal(JsonValueKind.Null, line.GetProperty("service").ValueKind));
            return Read()[^1].GetProperty("reportedBy").GetString()!;
        }
    }

    private List<JsonElement> Read() => File.Exists(Told)
        ? [.. File.ReadAllText(Told).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement.Clone())]
        : [];
}
