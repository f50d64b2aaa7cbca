using ClusterFs.Api;
using ClusterFs.Node.Seeded;

namespace ClusterFs.Node.Tests.Seeded;

public sealed class SeededTurnsTests
{
    private static readonly string[] Nodes = ["n1", "n2", "n3"];

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task After_a_node_with_a_problem_none_is_begun(bool isSilent)
    {
        var asked = new List<string>();
        var reports = await SeededQueries.InTurnAsync(
            Nodes,
            node =>
            {
                asked.Add(node);
                return Task.FromResult(node == "n1" ? Report(node, null, false) : Report(node, isSilent ? "away" : null, !isSilent));
            },
            (node, problem) => Report(node, problem, true),
            CancellationToken.None);
        Assert.Equal(["n1", "n2"], asked);
        Assert.Equal(Nodes, reports.Select(report => report.Node));
        Assert.Equal("not begun, because n2 has a problem; mend it, or name a node with --node", reports[2].Problem);
    }

    [Fact]
    public async Task Once_whoever_asked_has_gone_none_is_begun()
    {
        using var cancellation = new CancellationTokenSource();
        var reports = await SeededQueries.InTurnAsync(
            Nodes,
            async node =>
            {
                await cancellation.CancelAsync();
                return Report(node, null, false);
            },
            (node, problem) => Report(node, problem, true),
            cancellation.Token);
        Assert.Equal([null, "not begun, because whoever asked has gone", "not begun, because whoever asked has gone"], reports.Select(report => report.Problem));
    }

    private static SeededNodeReport Report(string node, string? problem, bool failed) => new(
        node,
        problem,
        [new SeededFileReport("wiki", new SeededFileStatus(node, "/etc/site", "site.in", SeededFileState.Current, null, null, null, []), null, failed, null)]);
}
