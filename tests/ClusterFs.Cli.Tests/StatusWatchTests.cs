using System.Diagnostics;
using System.Globalization;
using System.Text;
using ClusterFs.Api;
using ClusterFs.Posix;

namespace ClusterFs.Cli.Tests;

/// <summary><c>status --watch</c> on a real terminal.</summary>
public sealed class StatusWatchTests : IAsyncLifetime, IDisposable
{
    private const string Taken = "\e[?1049h";
    private const string GivenBack = "\e[?1049l";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly CliFixture _cli = new();
    private readonly StringBuilder _screen = new();
    private FakeDaemon? _daemon;
    private Process? _terminal;
    private string? _owner = "n1";

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        if (_terminal is { HasExited: false })
        {
            _terminal.Kill(entireProcessTree: true);
            await _terminal.WaitForExitAsync();
        }

        if (_daemon is not null)
        {
            await _daemon.DisposeAsync();
        }
    }

    public void Dispose()
    {
        _terminal?.Dispose();
        _cli.Dispose();
    }

    [SkippableFact]
    public async Task It_follows_what_changes_and_the_size_of_the_terminal_and_q_gives_the_terminal_back()
    {
        await StartAsync();
        await UntilAsync("wiki     owned  n1");
        Assert.InRange(Screen.IndexOf(Taken, StringComparison.Ordinal), 0, Screen.IndexOf("SERVICE", StringComparison.Ordinal));
        Assert.Contains("EPOCH", Screen, StringComparison.Ordinal);

        var before = Screen.Length;
        _owner = "n2";
        await UntilAsync("wiki     owned  n2");
        Assert.DoesNotContain("SERVICE", Screen[before..], StringComparison.Ordinal);

        before = Screen.Length;
        await RunAsync("stty", "-F", await File.ReadAllTextAsync(Path.Combine(_cli.Root, "tty")), "cols", "25", "rows", "10");
        await UntilAsync("SERVICE  STATE  OWNER\e", before);
        Assert.DoesNotContain("EPOCH", Screen[before..], StringComparison.Ordinal);

        await _terminal!.StandardInput.WriteAsync("q");
        await _terminal.StandardInput.FlushAsync();
        await UntilAsync("ended with 0");
        await GaveBack();
    }

    [SkippableTheory]
    [InlineData(Processes.SignalTerminate)]
    [InlineData(Processes.SignalInterrupt)]
    public async Task A_signal_gives_the_terminal_back_too(int signal)
    {
        await StartAsync();
        await UntilAsync("wiki     owned  n1");

        Processes.Signal(int.Parse(await File.ReadAllTextAsync(Path.Combine(_cli.Root, "pid")), CultureInfo.InvariantCulture), signal);

        await UntilAsync("ended with 0");
        await GaveBack();
    }

    private string Screen
    {
        get
        {
            lock (_screen)
            {
                return _screen.ToString();
            }
        }
    }

    private async Task GaveBack()
    {
        await UntilAsync("extproc");
        var end = Screen[Screen.IndexOf(GivenBack, StringComparison.Ordinal)..];
        Assert.DoesNotContain(Taken, end, StringComparison.Ordinal);
        Assert.Contains("\e[?25h", Screen, StringComparison.Ordinal);
        Assert.Matches(@"\sicanon\s", end);
        Assert.Matches(@"\secho\s", end);
    }

    private async Task StartAsync()
    {
        Skip.IfNot(File.Exists("/usr/bin/script") && File.Exists("/usr/bin/stty"), "needs script and stty");
        _daemon = await FakeDaemon.StartAsync(_cli.Socket, "GET", ApiRoutes.Status, context => Microsoft.AspNetCore.Http.HttpResponseJsonExtensions.WriteAsJsonAsync(
            context.Response,
            new StatusReport(
                "n1", new ClusterStatus(true, [], []), new SelfStatus(true, null, null, false),
                [new ServiceStatus("wiki", ServiceState.Owned, _owner, 7, null, null, null, [], 0, false, null, null, null)]),
            ApiJson.Default.StatusReport));
        var program = Path.Combine(AppContext.BaseDirectory, "clusterfs");
        var commands = $"stty cols 120 rows 20; tty > {_cli.Root}/tty; sh -c 'echo $$ > {_cli.Root}/pid; exec {program} status --watch --config {_cli.ConfigurationFile}'; "
            + "echo ended with $?; stty -a; exec sleep 1000";
        _terminal = Process.Start(new ProcessStartInfo("/usr/bin/script", ["-qefc", commands, "/dev/null"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            Environment = { ["TERM"] = "xterm" },
        })!;
        _ = ReadAsync(_terminal.StandardOutput);
    }

    private async Task ReadAsync(StreamReader output)
    {
        var buffer = new char[4096];
        while (await output.ReadAsync(buffer) is > 0 and var read)
        {
            lock (_screen)
            {
                _screen.Append(buffer, 0, read);
            }
        }
    }

    private async Task UntilAsync(string text, int from = 0)
    {
        using var limit = new CancellationTokenSource(Patience);
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        try
        {
            while (!Screen[from..].Contains(text, StringComparison.Ordinal))
            {
                await timer.WaitForNextTickAsync(limit.Token);
            }
        }
        catch (OperationCanceledException)
        {
            Assert.Fail($"not on the screen: {text}\n{Screen.Replace("\e", "ESC", StringComparison.Ordinal)}");
        }
    }

    private static async Task RunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(program, arguments.Select(argument => argument.Trim()));
        await process.WaitForExitAsync();
        Assert.Equal(0, process.ExitCode);
    }
}
