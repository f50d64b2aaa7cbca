using System.Diagnostics;
using System.Net.Sockets;
using ClusterFs.Content.Seeded;

namespace ClusterFs.Content.Tests.Seeded;

/// <summary>A real nginx whose included file is seeded: a wrong one never reaches it.</summary>
public sealed class NginxTests : IDisposable
{
    private const string Nginx = "/usr/sbin/nginx";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly SeededBed _bed = new();

    private string Main => Path.Combine(_bed.Root, "nginx.conf");

    private string Socket => Path.Combine(_bed.Root, "nginx.sock");

    private string Pid => Path.Combine(_bed.Root, "nginx.pid");

    public void Dispose()
    {
        if (File.Exists(Pid))
        {
            Run(Nginx, "-c", Main, "-s", "stop");
            Await(() => !File.Exists(Pid), "nginx ends");
        }

        _bed.Dispose();
    }

    [SkippableFact]
    public async Task A_wrong_file_never_reaches_a_running_nginx_and_a_right_one_does()
    {
        Skip.IfNot(File.Exists(Nginx), "nginx is not installed: apt-get install nginx-light");
        File.WriteAllText(Main, $$"""
            pid {{Pid}};
            error_log {{_bed.Root}}/error.log;
            events {}
            http {
              access_log off;
              server {
                listen unix:{{Socket}};
                include {{_bed.Target}};
              }
            }
            """);
        _bed.Write("server_name %NODE%.%DOMAIN%;\nlocation / { return 200 'first of %NODE%'; }\n");
        var files = _bed.Start(
            file => file with
            {
                Check = $"sed \"s#$CLUSTERFS_FILE#$CLUSTERFS_STAGED#\" {Main} > {_bed.Root}/check.conf && {Nginx} -t -q -c {_bed.Root}/check.conf",
                Reload = $"test ! -s {Pid} || {Nginx} -c {Main} -s reload",
            },
            new() { ["DOMAIN"] = "example.org" });
        SeededBed.Render(files);
        Assert.Equal(SeededCondition.Current, SeededBed.StateOf(files).Condition);
        Assert.Equal(0, Run(Nginx, "-c", Main));
        Await(() => File.Exists(Pid) && new FileInfo(Pid).Length > 0, "nginx runs");
        Assert.Equal("first of n1", await GetAsync());

        _bed.Write("server_name %NODE%.%DOMAIN%;\nlocaton / { return 200 'wrong'; }\n");
        SeededBed.Render(files);
        var wrong = SeededBed.StateOf(files);
        Assert.Equal(SeededCondition.Stale, wrong.Condition);
        Assert.Contains("the check refused what was rendered", wrong.Reason, StringComparison.Ordinal);
        Assert.Contains("first of n1", File.ReadAllText(_bed.Target), StringComparison.Ordinal);
        Assert.Contains("unknown directive \"locaton\"", wrong.Reason, StringComparison.Ordinal);
        Run(Nginx, "-c", Main, "-s", "reload");
        Assert.Equal("first of n1", await GetAsync());

        _bed.Write("server_name %NODE%.%DOMAIN%;\nlocation / { return 200 'second of %NODE%'; }\n");
        SeededBed.Render(files);
        Assert.Equal(SeededCondition.Current, SeededBed.StateOf(files).Condition);
        var waited = Stopwatch.StartNew();
        while (await GetAsync() != "second of n1")
        {
            Assert.True(waited.Elapsed < Patience, "nginx does not answer with the new configuration");
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
        return await http.GetStringAsync("http://n1.example.org/");
    }

    private static int Run(string file, params string[] arguments)
    {
        using var process = Process.Start(file, arguments);
        Assert.True(process.WaitForExit(Patience), $"{file} did not end");
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
