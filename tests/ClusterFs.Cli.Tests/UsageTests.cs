namespace ClusterFs.Cli.Tests;

public sealed class UsageTests : IDisposable
{
    private readonly CliFixture _cli = new();

    public void Dispose() => _cli.Dispose();

    [Theory]
    [InlineData("clusterfs: Required command was not provided.\nTry 'clusterfs --help'.\n")]
    [InlineData("clusterfs: Option '--to' is required.\nTry 'clusterfs move --help'.\n", "move", "wiki")]
    [InlineData("clusterfs: Required command was not provided.\nTry 'clusterfs archive --help'.\n", "archive")]
    [InlineData("clusterfs: --timeout: '5' is no time; expected 1ms to 1d, such as 30s\nTry 'clusterfs dump --help'.\n", "dump", "wiki", "--timeout", "5")]
    [InlineData(
        "clusterfs: --capture: 'snapshots' is none of the choices; expected auto, command, copy, hooks, snapshot, sqlite\nTry 'clusterfs archive dump --help'.\n",
        "archive", "dump", "--store", "s", "wiki", "p", "--capture", "snapshots")]
    [InlineData(
        "clusterfs: --capture hooks needs --resume CMD\nTry 'clusterfs archive dump --help'.\n",
        "archive", "dump", "--store", "s", "wiki", "p", "--capture", "hooks", "--quiesce", "true")]
    [InlineData(
        "clusterfs: --capture command needs --command CMD\nTry 'clusterfs archive dump --help'.\n",
        "archive", "dump", "--store", "s", "wiki", "p", "--capture", "command")]
    [InlineData(
        "clusterfs: --command has no effect with --capture auto; expected --capture command\nTry 'clusterfs archive dump --help'.\n",
        "archive", "dump", "--store", "s", "wiki", "p", "--command", "true")]
    [InlineData("clusterfs: wiki may not run on 'n3'; its nodes are n1, n2\n", "move", "wiki", "--to", "n3")]
    [InlineData(
        "node.conf: clusterfs.services: there is no service 'wikki'; did you mean 'wiki'? configured are wiki\n", "status", "wikki")]
    [InlineData(
        "node.conf: clusterfs.services: there is no service 'wikki'; did you mean 'wiki'? configured are wiki\n", "archive", "list", "wikki")]
    public async Task A_wrong_command_line_says_so_and_does_nothing(string expected, params string[] arguments)
    {
        var outcome = await _cli.RunAsync(arguments);
        Assert.Equal((ExitCodes.Usage, "", expected), (outcome.ExitCode, outcome.Output, outcome.Error));
    }

    [Theory]
    [InlineData("status")]
    [InlineData("move", "wiki", "--to", "n2")]
    [InlineData("dump", "wiki")]
    [InlineData("history", "wiki")]
    public async Task A_daemon_that_is_not_there_is_exit_code_4(params string[] arguments)
    {
        var outcome = await _cli.RunAsync(arguments);
        Assert.Equal(
            (ExitCodes.Unreachable, "", "clusterfs: the daemon cannot be reached on clusterfs.sock: there is no such socket; is the daemon running?\n"),
            (outcome.ExitCode, outcome.Output, outcome.Error));
    }

    [Fact]
    public async Task A_socket_that_nobody_listens_on_any_more_is_exit_code_4()
    {
        using (var socket = new System.Net.Sockets.Socket(
            System.Net.Sockets.AddressFamily.Unix, System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Unspecified))
        {
            socket.Bind(new System.Net.Sockets.UnixDomainSocketEndPoint(_cli.Root + "/other.sock"));
            File.Move(_cli.Root + "/other.sock", _cli.Socket);
        }

        var outcome = await _cli.RunAsync("status");
        Assert.Equal(
            (ExitCodes.Unreachable, "clusterfs: the daemon cannot be reached on clusterfs.sock: nobody listens there; is the daemon running?\n"),
            (outcome.ExitCode, outcome.Error));
    }

    [Fact]
    public async Task Mistakes_in_the_configuration_are_one_line_each_and_exit_code_2()
    {
        await File.AppendAllTextAsync(_cli.ConfigurationFile, "\nclusterfs.lease.ttl = -1s\nclusterfs.cluster.voters = [n9]\n");
        var outcome = await _cli.RunAsync("status");
        Assert.Equal(ExitCodes.Usage, outcome.ExitCode);
        Assert.Equal("", outcome.Output);
        Assert.Equal(
            "node.conf:9: clusterfs.lease.ttl: -1s is out of range; expected 500ms to 1h\n"
            + "node.conf:10: clusterfs.cluster.voters: the voter n9 is no node, and not sql; did you mean 'n1'? clusterfs.cluster.nodes has n1, n2, n3\n",
            outcome.Error);
    }

    [Fact]
    public async Task Help_is_no_error_and_needs_no_configuration()
    {
        using var output = new StringWriter();
        Assert.Equal(ExitCodes.Done, await CommandLine.RunAsync(["move", "--help"], output, output));
        Assert.Contains("move <SERVICE> [options]", output.ToString(), StringComparison.Ordinal);
    }
}
