using System.Globalization;
using System.Net;
using ClusterFs.Cluster.Tests.Bench;
using ClusterFs.Demo;

namespace ClusterFs.Cluster.Tests;

/// <summary>What the daemons tell Prometheus and a collector of traces, while things happen to them.</summary>
[Collection(OneWatchedCluster.Name)]
public sealed class MetricsTests(WatchedCluster watched)
{
    private const string Service = WatchedCluster.Service;

    [Fact]
    public async Task A_failover_is_counted_told_and_traced()
    {
        var owner = await watched.Settle();
        await watched.Until(owner, $"/owner/{Service}", HttpStatusCode.OK);
        var others = watched.Cluster.Nodes.Where(node => node != owner).ToList();
        await Until(owner, "dumps are counted", figures => figures.GetValueOrDefault(Figure("dumps_total", owner, ("result", "done"))) > 0);
        await Until(owner, "votes are counted", figures => figures
            .Any(one => one.Key.StartsWith("clusterfs_guard_renewals_total", StringComparison.Ordinal) && one.Key.Contains("acked", StringComparison.Ordinal) && one.Value > 0));
        var figures = await Read(owner);
        Assert.Equal(1, figures[Figure("running", owner)]);
        Assert.InRange(figures[Figure("lease_remaining_seconds", owner)], 0.001, WatchedCluster.Ttl.TotalSeconds);
        Assert.InRange(figures[Figure("at_risk_seconds", owner)], 0, 60);
        Assert.Equal(0, figures[Figure("dump_failing", owner)]);
        foreach (var other in others)
        {
            Assert.Equal(0, (await Read(other))[Figure("running", other)]);
        }

        await Until(others[0], "the copy follows", seen => seen.GetValueOrDefault(Figure("standby_lag_seconds", others[0]), 99) < 10);
        var failovers = await Failovers(others);

        await owner.KillEverything();
        var next = await Eventually.Get(
            "another node runs it",
            WatchedCluster.Patience,
            async () =>
            {
                foreach (var other in others)
                {
                    if ((await Read(other)).GetValueOrDefault(Figure("running", other)) == 1)
                    {
                        return other;
                    }
                }

                return null;
            },
            watched.Cluster.Evidence);
        Assert.Equal(failovers + 1, await Failovers(others));
        Assert.InRange((await Read(next))[Figure("takeover_duration_seconds", next)], 0.001, 30);

        // The spans come from two processes at least, and all of them have the trace id that service and epoch make.
        var epoch = (long)(await Read(next))[Figure("epoch", next)];
        var trace = System.Text.Encoding.Latin1.GetString(
            System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{Service}/{epoch}"))).AsSpan(0, 16));
        foreach (var part in new[] { "fence", "grant", "restore", "start" })
        {
            await Eventually.True(
                $"the span {part} of epoch {epoch} has come",
                WatchedCluster.Patience,
                () => watched.Traces.SentTo("/v1/traces").Any(sent => sent.Contains(trace, StringComparison.Ordinal) && sent.Contains(part, StringComparison.Ordinal)));
        }

        await watched.Settle();
    }

    private async Task<double> Failovers(IEnumerable<ClusterNode> nodes)
    {
        var all = 0.0;
        foreach (var node in nodes)
        {
            all += (await Read(node)).GetValueOrDefault($"clusterfs_service_ownerships_total{{cause=\"failover\",node=\"{node.Name}\",service=\"{Service}\"}}");
        }

        return all;
    }

    private static string Figure(string name, ClusterNode node, params (string Label, string Value)[] labels) =>
        $"clusterfs_service_{name}{{node=\"{node.Name}\",{string.Concat(labels.Select(label => $"{label.Label}=\"{label.Value}\","))}service=\"{Service}\"}}";

    private Task<string> Until(ClusterNode node, string what, Func<Dictionary<string, double>, bool> holds) => Eventually.Get(
        what, WatchedCluster.Patience, async () => holds(await Read(node)) ? what : null, watched.Cluster.Evidence);

    private async Task<Dictionary<string, double>> Read(ClusterNode node)
    {
        var (status, text) = await watched.Ask(node, "/metrics");
        return status != HttpStatusCode.OK ? [] : text.Split('\n')
            .Where(line => line.Length > 0 && line[0] != '#')
            .Select(line => line.Split(' '))
            .ToDictionary(parts => string.Join(' ', parts[..^1]), parts => double.Parse(parts[^1], CultureInfo.InvariantCulture));
    }
}
