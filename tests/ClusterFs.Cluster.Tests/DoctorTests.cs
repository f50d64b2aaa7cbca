using System.Text.Json.Nodes;
using ClusterFs.Cluster.Tests.Bench;

namespace ClusterFs.Cluster.Tests;

/// <summary>Doctor on nodes that are well.</summary>
[Collection(OneWatchedCluster.Name)]
public sealed class DoctorTests(WatchedCluster watched)
{
    [Fact]
    public async Task Nodes_that_are_well_are_fit_and_see_one_anothers_changes()
    {
        await watched.Settle();

        var outcomes = await Task.WhenAll(watched.Cluster.Nodes.Select(node => node.Clusterfs("doctor", "--json")));

        foreach (var outcome in outcomes)
        {
            var report = JsonNode.Parse(outcome.Output)!;
            var findings = report["findings"]!.AsArray().Select(finding => (
                Check: (string)finding!["check"]!, Severity: (string)finding["severity"]!, Seen: (string)finding["seen"]!)).ToList();
            Assert.True((bool)report["fit"]!, outcome.Output);
            Assert.Equal(0, outcome.ExitCode);
            Assert.Contains(findings, finding => finding is { Check: "journal", Severity: "ok" } && finding.Seen.EndsWith("its constraints are there", StringComparison.Ordinal));
            Assert.Contains(findings, finding => finding is { Check: "this node", Severity: "ok", Seen: "the guard answers" });
            Assert.Contains(findings, finding => finding is { Check: "this node", Severity: "ok", Seen: "the daemon answers" });
            Assert.Equal(6, findings.Count(finding => finding is { Check: "peers", Severity: "ok" }));
            Assert.Equal(2, findings.Count(finding => finding.Check == "storage across nodes" && finding.Seen.Contains("saw a change", StringComparison.Ordinal)));
        }
    }
}
