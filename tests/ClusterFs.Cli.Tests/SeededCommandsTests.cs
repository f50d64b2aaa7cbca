using System.Text.Json.Nodes;
using ClusterFs.Api;
using Microsoft.AspNetCore.Http;

namespace ClusterFs.Cli.Tests;

public sealed class SeededCommandsTests : IDisposable
{
    private static readonly DateTimeOffset At = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    private readonly CliFixture _cli = new("clusterfs.services.wiki.seeded.\"/etc/wiki/site.conf\".template = site.in\nclusterfs.services.blog.live.path = /var/lib/blog");

    public void Dispose() => _cli.Dispose();

    [Fact]
    public async Task Diff_names_the_node_and_shows_the_difference()
    {
        string? asked = null;
        await using var daemon = await AnsweringAsync("GET", ApiRoutes.SeededDiff, query => asked = query, new SeededReport(
        [
            new SeededNodeReport("n1", null, [File("n1", SeededFileState.Current)]),
            new SeededNodeReport("n2", null, [File("n2", SeededFileState.Edited) with { Change = "it was changed", Diff = "--- a\n+++ b\n" }]),
        ]));
        var outcome = await _cli.RunAsync("seeded", "diff", "wiki", "--node", "n2");
        Assert.Equal(
            (ExitCodes.Done, "n1: wiki: /etc/wiki/site.conf: nothing would change\nn2: wiki: /etc/wiki/site.conf: would be rendered: it was changed\n--- a\n+++ b\n", ""),
            (outcome.ExitCode, outcome.Output, outcome.Error));
        Assert.Equal("?service=wiki&node=n2", asked);
        var json = JsonNode.Parse((await _cli.RunAsync("seeded", "diff", "--json")).Output)!;
        Assert.Equal("edited", (string?)json["nodes"]![1]!["files"]![0]!["file"]!["state"]);
        Assert.Equal("", asked);
    }

    [Fact]
    public async Task Render_says_how_each_file_is_and_fails_where_one_is_not_current()
    {
        await using var daemon = await AnsweringAsync("POST", ApiRoutes.SeededRender, _ => { }, new SeededReport(
        [
            new SeededNodeReport("n1", null, [File("n1", SeededFileState.Current)]),
            new SeededNodeReport("n2", null, [File("n2", SeededFileState.Stale) with { Failed = true }]),
            new SeededNodeReport("n3", "n3 is not in the cluster now", []),
        ]));
        var outcome = await _cli.RunAsync("seeded", "render");
        Assert.Equal(
            (ExitCodes.Failed,
                "n1: wiki: /etc/wiki/site.conf: current, rendered 2026-01-02 03:04:05.000Z because the template changed\n"
                + "n2: wiki: /etc/wiki/site.conf: stale: the check failed\n"
                + "n2: wiki: /etc/wiki/site.conf: what was changed there is kept as /etc/wiki/kept\n",
                "n3: n3 is not in the cluster now\n"),
            (outcome.ExitCode, outcome.Output, outcome.Error));
    }

    [Theory]
    [InlineData("clusterfs: blog has no seeded files; see services.blog.seeded in the configuration\n", "seeded", "diff", "blog")]
    [InlineData("clusterfs: there is no node n9; did you mean 'n1'? the nodes are n1, n2, n3\n", "seeded", "render", "wiki", "--node", "n9")]
    public async Task What_is_not_there_is_refused(string expected, params string[] arguments)
    {
        var outcome = await _cli.RunAsync(arguments);
        Assert.Equal((ExitCodes.Usage, "", expected), (outcome.ExitCode, outcome.Output, outcome.Error));
    }

    [Fact]
    public async Task The_status_says_where_they_are_current_and_why_not_elsewhere()
    {
        var wiki = new ServiceStatus("wiki", ServiceState.Owned, "n1", 7, null, null, null, [], 0, false, null, null, null)
        {
            Seeded = [File("n1", SeededFileState.Current).File, File("n2", SeededFileState.Stale).File],
        };
        await using var daemon = await FakeDaemon.WithStatusAsync(
            _cli.Socket, new StatusReport("n1", new ClusterStatus(true, [], []), new SelfStatus(true, null, null, false), [wiki]));
        var output = (await _cli.RunAsync("status")).Output;
        Assert.Contains("\nwiki: seeded files are current on n1\n", output, StringComparison.Ordinal);
        Assert.Contains("\nwiki: seeded /etc/wiki/site.conf on n2 is STALE: the check failed\n", output, StringComparison.Ordinal);
        Assert.Contains("\nwiki: seeded /etc/wiki/site.conf on n2: what was changed there is kept as /etc/wiki/kept; delete what is of no use\n", output, StringComparison.Ordinal);
        var seeded = JsonNode.Parse((await _cli.RunAsync("status", "--json")).Output)!["services"]![0]!["seeded"]!;
        Assert.Equal(("n2", "stale", "the check failed"), ((string?)seeded[1]!["node"], (string?)seeded[1]!["state"], (string?)seeded[1]!["reason"]));
    }

    private static SeededFileReport File(string node, SeededFileState state) => new(
        "wiki",
        new SeededFileStatus(
            node,
            "/etc/wiki/site.conf",
            "site.in",
            state,
            state == SeededFileState.Current ? null : "the check failed",
            At,
            "the template changed",
            state == SeededFileState.Current ? [] : ["/etc/wiki/kept"]),
        null,
        false,
        null);

    private Task<FakeDaemon> AnsweringAsync(string method, string route, Action<string> asked, SeededReport report) => FakeDaemon.StartAsync(
        _cli.Socket,
        method,
        route,
        context =>
        {
            asked(context.Request.QueryString.Value ?? "");
            return context.Response.WriteAsJsonAsync(report, ApiJson.Default.SeededReport);
        });
}
