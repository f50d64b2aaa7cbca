using System.Diagnostics;
using System.Net.Sockets;
using ClusterFs.Content.Config;

namespace ClusterFs.Content.Tests.Config;

/// <summary>A real nginx that somebody reloads all the time: a wrong configuration never reaches it, at no moment of the check either.</summary>
public sealed class NginxTests : IDisposable
{
    private const string Nginx = "/usr/sbin/nginx";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly ConfigBed _bed = new();
    private readonly CancellationTokenSource _ending = new();
    private Task _reloading = Task.CompletedTask;

    private string Socket => Path.Combine(_bed.Root, "nginx.sock");

    private string Pid => Path.Combine(_bed.Root, "nginx.pid");

    private string ErrorLog => Path.Combine(_bed.Root, "error.log");

    public void Dispose()
    {
        _ending.Cancel();
        _reloading.Wait(Patience);
        if (File.Exists(Pid))
        {
            Run("-s", "stop");
            Await(() => !File.Exists(Pid), "nginx ends");
        }

        _ending.Dispose();
        _bed.Dispose();
    }

    [SkippableFact]
    public async Task A_wrong_version_never_reaches_a_running_nginx_and_a_right_one_does()
    {
        Skip.IfNot(File.Exists(Nginx), "nginx is not installed: apt-get install nginx-light");
        Skip.IfNot(StagedCheck.HasNamespaces, "needs root and /usr/bin/unshare, to give a check a view of its own");
        File.WriteAllText(_bed.Target(), $$"""
            pid {{Pid}};
            error_log {{ErrorLog}} notice;
            events {}
            http {
              access_log off;
              server { listen unix:{{Socket}} default_server; return 200 'of the node'; }
            }
            """);
        Assert.Equal(0, Run());
        Await(() => File.Exists(Pid) && new FileInfo(Pid).Length > 0, "nginx runs");
        _reloading = Task.Run(Reload);

        var checks = 0;
        var files = _bed.Start(
            with: file => file with
            {
                After = "http {",

                // Slow, so that others reload many times while the wrong version is staged.
                Check = $"sleep 1; {Nginx} -t -q -c {_bed.Target()}",
                Reload = $"{Nginx} -c {_bed.Target()} -s reload",
                Healthy = "true",
            },
            reached: point => checks += point == "staged" ? 1 : 0);
        _bed.Write(Site("first"));
        ConfigBed.Tend(files);
        Assert.True(ConfigBed.StateOf(files).Condition == ConfigCondition.Current, ConfigBed.StateOf(files).Reason);
        await UntilAnswers("first");

        _bed.Write(Site("wrong").Replace("return", "retrun", StringComparison.Ordinal));
        ConfigBed.Tend(files);
        var refused = ConfigBed.StateOf(files);
        Assert.Equal(ConfigCondition.Failed, refused.Condition);
        Assert.Contains("unknown directive \"retrun\"", refused.Reason, StringComparison.Ordinal);
        Assert.Equal("first", await GetAsync());

        _bed.Write(Site("second"));
        ConfigBed.Tend(files);
        Assert.True(ConfigBed.StateOf(files).Condition == ConfigCondition.Current, ConfigBed.StateOf(files).Reason);
        await UntilAnswers("second");
        Assert.Equal(3, checks);

        // Whoever reloaded meanwhile never read a wrong one: nginx would have said so.
        await _ending.CancelAsync();
        await _reloading;
        Assert.InRange(File.ReadLines(ErrorLog).Count(line => line.Contains("reconfiguring", StringComparison.Ordinal)), 10, int.MaxValue);
        Assert.DoesNotContain(File.ReadLines(ErrorLog), line => line.Contains("[emerg]", StringComparison.Ordinal) && !line.Contains("still could not bind", StringComparison.Ordinal));
    }

    private string Site(string answer) => $$"""server { listen unix:{{Socket}}; server_name wiki.example.org; location / { return 200 '{{answer}}'; } }""" + "\n";

    private void Reload()
    {
        using var never = new ManualResetEventSlim();
        while (!_ending.IsCancellationRequested)
        {
            if (int.TryParse(File.ReadAllText(Pid).Trim(), out var pid))
            {
                ClusterFs.Posix.Processes.Signal(pid, 1);
            }

            never.Wait(TimeSpan.FromMilliseconds(100));
        }
    }

    private async Task UntilAnswers(string answer)
    {
        var waited = Stopwatch.StartNew();
        while (await GetAsync() != answer)
        {
            Assert.True(waited.Elapsed < Patience, $"nginx does not answer '{answer}'");
            await Task.Delay(TimeSpan.FromMilliseconds(20));
        }
    }

    private async Task<string> GetAsync()
    {
        using var http = new HttpClient(new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancellation) =>
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(Socket), cancellation);
                return new NetworkStream(socket, ownsSocket: true);
            },
        });
        return await http.GetStringAsync("http://wiki.example.org/");
    }

    private int Run(params string[] arguments)
    {
        using var process = Process.Start(Nginx, ["-c", _bed.Target(), .. arguments]);
        Assert.True(process.WaitForExit(Patience), "nginx did not end");
        return process.ExitCode;
    }

    private static void Await(Func<bool> condition, string what)
    {
        var waited = Stopwatch.StartNew();
        using var never = new ManualResetEventSlim();
        while (!condition())
        {
            Assert.True(waited.Elapsed < Patience, $"not in time: {what}");
            never.Wait(TimeSpan.FromMilliseconds(10));
        }
    }
}
