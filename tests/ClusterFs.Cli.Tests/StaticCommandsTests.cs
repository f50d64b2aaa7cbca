using System.Text.Json.Nodes;
using ClusterFs.Api;
using Microsoft.AspNetCore.Http;

namespace ClusterFs.Cli.Tests;

public sealed class StaticCommandsTests : IDisposable
{
    private const string NoDaemon = "No daemon runs here: the nodes notice it by themselves, within 2s where their daemons run.\n";

    private readonly CliFixture _cli = new(
        """
        clusterfs.services.wiki.static.www { path = /var/www/clusterfs-test, cache = local }
        clusterfs.services.blog { live.path = /var/lib/clusterfs-test, static.www.path = /var/www/clusterfs-blog, static.media.path = /var/www/clusterfs-media }
        """);

    public void Dispose() => _cli.Dispose();

    [Fact]
    public async Task Without_a_daemon_it_is_published_listed_and_rolled_back()
    {
        Write("one");
        var published = await _cli.RunAsync("static", "publish", "wiki/www", Source);
        Assert.Equal((ExitCodes.Done, NoDaemon), (published.ExitCode, published.Error));
        Assert.StartsWith("wiki/www: generation 1: 1 files, 3 B, 1 changes, ", published.Output, StringComparison.Ordinal);
        Assert.Equal("wiki/www: nothing has changed since generation 1.\n", (await _cli.RunAsync("static", "publish", "wiki/www", Source)).Output);
        Write("two");
        var json = JsonNode.Parse((await _cli.RunAsync("static", "publish", "wiki/www", Source, "--json")).Output)!;
        Assert.Equal((2L, true, 1L), ((long)json["generation"]!, (bool)json["isNew"]!, (long)json["changed"]!));
        var back = await _cli.RunAsync("static", "rollback", "wiki/www");
        Assert.Equal("wiki/www: generation 3 has the files of an older one: 1 files, 3 B.\n", back.Output);
        var listed = JsonNode.Parse((await _cli.RunAsync("static", "list", "wiki/www", "--json")).Output)!;
        Assert.Equal([1L, 2L, 3L], listed["generations"]!.AsArray().Select(one => (long)one!["generation"]!));
        Assert.Equal(1, (long)listed["generations"]![2]!["repeats"]!);
        Assert.Contains("repeats 1", (await _cli.RunAsync("static", "list", "wiki/www")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_says_which_node_is_left_behind_and_fails()
    {
        Write("one");
        await using var daemon = await FakeDaemon.StartAsync(_cli.Socket, "POST", ApiRoutes.StaticSwitch, context => context.Response.WriteAsJsonAsync(
            new StaticReport(
            [
                new StaticNodeReport("n1", null, [Served("n1", StaticContentState.Current, 1, null)]),
                new StaticNodeReport("n2", null, [Served("n2", StaticContentState.Failed, 0, "no space left")]),
                new StaticNodeReport("n3", "n3 is not in the cluster now; it switches when it is back", [Served("n3", StaticContentState.Unknown, 0, null)]),
            ]),
            ApiJson.Default.StaticReport));
        var outcome = await _cli.RunAsync("static", "publish", "media", Source);
        Assert.Equal(ExitCodes.Failed, outcome.ExitCode);
        Assert.EndsWith(
            "n1: serves generation 1\nn2: failed: serves generation 0; no space left\nn3: n3 is not in the cluster now; it switches when it is back\n",
            outcome.Output,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("clusterfs: there is no static content wwww; did you mean 'www'? configured are blog/www, blog/media, wiki/www\n", "wwww")]
    [InlineData("clusterfs: www may be blog/www or wiki/www; name the service too\n", "www")]
    public async Task What_is_not_there_or_may_be_several_is_refused(string expected, string name)
    {
        var outcome = await _cli.RunAsync("static", "list", name);
        Assert.Equal((ExitCodes.Usage, "", expected), (outcome.ExitCode, outcome.Output, outcome.Error));
    }

    [Fact]
    public async Task A_missing_directory_is_one_line_and_changes_nothing()
    {
        var outcome = await _cli.RunAsync("static", "publish", "wiki/www", Path.Combine(_cli.Root, "gone"));
        Assert.Equal((ExitCodes.Failed, "", "clusterfs: there is no directory gone; nothing is published\n"), (outcome.ExitCode, outcome.Output, outcome.Error));
        Assert.Equal(["clusterfs"], Directory.EnumerateFileSystemEntries(_cli.Shared, "*", SearchOption.AllDirectories).Select(path => Path.GetRelativePath(_cli.Shared, path)));
    }

    private string Source => Path.Combine(_cli.Root, "site");

    private void Write(string text)
    {
        Directory.CreateDirectory(Source);
        File.WriteAllText(Path.Combine(Source, "index.html"), text);
    }

    private static StaticContentReport Served(string node, StaticContentState state, long generation, string? reason) => new(
        "blog", new StaticStatus(node, "media", "/var/www/clusterfs-media", "none", state, generation, 1, null, null, null, reason, 0, 0, []));
}
