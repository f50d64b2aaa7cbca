namespace ClusterFs.Cli.Tests;

public sealed class LogsCommandTests : IDisposable
{
    private const string Configured = "clusterfs.services.wiki.logs.link = /var/log/clusterfs-test/wiki";
    private readonly CliFixture _cli = new(Configured);

    public void Dispose() => _cli.Dispose();

    [Fact]
    public async Task The_logs_of_all_nodes_are_one()
    {
        Put("n1", "2026-01-02T03:00:01Z one\n  more of one\n2026-01-02T03:00:03Z three\n");
        Put("n2", "2026-01-02T03:00:02Z twö\n");
        var outcome = await _cli.RunAsync("logs", "wiki");
        Assert.Equal((ExitCodes.Done, ""), (outcome.ExitCode, outcome.Error));
        Assert.Equal(
            """
            n1 access.log: 2026-01-02T03:00:01Z one
            n1 access.log:   more of one
            n2 access.log: 2026-01-02T03:00:02Z twö
            n1 access.log: 2026-01-02T03:00:03Z three

            """,
            outcome.Output);
        Assert.Equal("2026-01-02T03:00:02Z twö\n", (await _cli.RunAsync("logs", "wiki", "--no-names", "--node", "n2")).Output);
        Assert.Equal("2026-01-02T03:00:03Z three\n", (await _cli.RunAsync("logs", "wiki", "--no-names", "--since", "2026-01-02T03:00:03")).Output);
        Assert.Equal("2026-01-02T03:00:01Z one\n  more of one\n", (await _cli.RunAsync("logs", "wiki", "--no-names", "--grep", "more")).Output);
        Assert.Equal(
            """{"node":"n2","log":"access.log","at":"2026-01-02T03:00:02Z","text":"2026-01-02T03:00:02Z tw\u00F6"}""" + "\n",
            (await _cli.RunAsync("logs", "wiki", "--json", "--node", "n2")).Output);
        Assert.Empty((await _cli.RunAsync("logs", "wiki", "--since", "1h")).Output);
    }

    [Theory]
    [InlineData("--node n9", "clusterfs: there is no node n9; the nodes are n1, n2, n3\n")]
    [InlineData("--grep (", "clusterfs: --grep: Invalid pattern '(' at offset 1. Not enough )'s.\n")]
    [InlineData("--since yesterday", "clusterfs: --since: 'yesterday' is no time; expected such as 2026-01-31T12:00:00Z or 10m\nTry 'clusterfs logs --help'.\n")]
    public async Task A_mistake_is_said_in_one_line(string arguments, string error)
    {
        var outcome = await _cli.RunAsync(["logs", "wiki", .. arguments.Split(' ')]);
        Assert.Equal((ExitCodes.Usage, error), (outcome.ExitCode, outcome.Error));
    }

    [Fact]
    public async Task Nothing_to_be_read_is_said()
    {
        using var without = new CliFixture();
        var unconfigured = await without.RunAsync("logs", "wiki");
        Assert.Equal(
            (ExitCodes.Usage, "clusterfs: no logs of wiki are configured; clusterfs.services.wiki.logs.link says where it writes them\n"),
            (unconfigured.ExitCode, unconfigured.Error));
        var empty = await _cli.RunAsync("logs", "wiki");
        Assert.Equal((ExitCodes.Done, "clusterfs: no node has a log of wiki yet\n"), (empty.ExitCode, empty.Error));
    }

    private void Put(string node, string text)
    {
        var directory = Path.Combine(_cli.Shared, "clusterfs", "logs", "wiki", node, "wiki");
        Directory.CreateDirectory(directory);
        File.WriteAllText(Path.Combine(directory, "access.log"), text);
    }
}
