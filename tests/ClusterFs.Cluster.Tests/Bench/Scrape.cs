using System.Globalization;
using ClusterFs.Demo;

namespace ClusterFs.Cluster.Tests.Bench;

/// <summary>What a node tells Prometheus.</summary>
internal static class Scrape
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    public static async Task<string> Of(LocalCluster cluster, ClusterNode node)
    {
        using var client = new HttpClient { Timeout = Patience };
        return await client.GetStringAsync(new Uri(string.Create(CultureInfo.InvariantCulture, $"http://{node.Address}:{cluster.Ports.Http}/metrics")));
    }
}
