using ClusterFs.Demo;
using ClusterFs.Demo.Layout;

namespace ClusterFs.Cluster.Tests;

/// <summary>A service that ends as soon as it starts, under a supervisor that starts it again and again.</summary>
public sealed class FlappingServiceTests
{
    private const string Service = "flapping";
    private const int Limit = 2;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task It_is_left_alone_after_so_many_starts_until_somebody_has_looked()
    {
        await using var cluster = await LocalCluster.Create(new LocalClusterOptions
        {
            Name = "flapping",
            Nodes = 1,
            Ttl = TimeSpan.FromSeconds(4),
            StopBudget = TimeSpan.FromMilliseconds(500),
            FailoverMax = Limit,
            Binaries = Binaries.Find(),
            Services = [new LocalService(Service, TimeSpan.FromSeconds(2), _ => ["sh", "-c", "sleep 0.3; exit 7"])],
        });
        var node = cluster.Nodes[0];
        node.Start();
        await cluster.UntilComplete(Patience);

        var damped = await UntilDamped(cluster, node);
        Assert.Equal((Limit, "paused"), (damped.Epoch, damped.State));
        Assert.Contains($"clusterfs resume {Service}", damped.Reason, StringComparison.Ordinal);
        var history = (await node.Clusterfs("history", Service)).Successful().Output;
        Assert.Equal(Limit, history.Split('\n').Count(line => line.Contains("it runs on n1", StringComparison.Ordinal)));

        (await node.Clusterfs("resume", Service)).Successful();
        var again = await UntilDamped(cluster, node, after: Limit);
        Assert.Equal(Limit * 2, again.Epoch);
    }

    /// <summary>Starts the service whenever it is not waiting to be started.</summary>
    private static Task<Demo.Status.ServiceStatus> UntilDamped(LocalCluster cluster, ClusterNode node, long after = 0) => Eventually.Get(
        "the service is left alone",
        Patience,
        async () =>
        {
            if (!node.Runs.TryGetValue(Service, out var run) || run.HasExited)
            {
                node.StartRun(Service);
            }

            var status = (await node.TryStatus())?.Service(Service);
            return status is { Damped: true } && status.Epoch > after ? status : null;
        },
        cluster.Evidence);
}
