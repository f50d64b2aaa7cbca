using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using ClusterFs.Content.Logs.Links;
using ClusterFs.Content.Logs.Reading;
using ClusterFs.Content.Tests.Logs.Reading;
using ClusterFs.Posix;

namespace ClusterFs.Content.Tests.Logs.Links;

/// <summary>A real nginx that is asked all the time, while its directory of logs becomes a link and shared storage goes and comes back.</summary>
public sealed class NginxTests : IDisposable
{
    private const string Nginx = "/usr/sbin/nginx";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly LogBed _bed = new($"link = \"ROOT/n1/wiki\", reopen = \"{Nginx} -c ROOT/nginx.conf -e ROOT/reopen.log -s reopen\"");
    private readonly int _port = FreePort();
    private readonly HttpClient _client = new();
    private int _asked;

    public void Dispose()
    {
        _client.Dispose();
        _bed.Dispose();
    }

    [SkippableFact]
    public async Task Every_request_is_in_the_logs_once()
    {
        Skip.IfNot(File.Exists(Nginx), "needs nginx");
        Skip.IfNot(Processes.IsRoot, "needs root, to be told whether files are open");
        Directory.CreateDirectory(Path.Combine(_bed.Root, "n1", "wiki"));

        // The workers are another user, and open their logs anew by themselves.
        File.SetUnixFileMode(_bed.Root, File.GetUnixFileMode(_bed.Shared));
        await File.WriteAllTextAsync(Path.Combine(_bed.Root, "nginx.conf"), Configuration());
        using var nginx = Process.Start(Nginx, ["-c", Path.Combine(_bed.Root, "nginx.conf"), "-e", Path.Combine(_bed.Root, "start.log")]);
        try
        {
            await UntilAsync(AnswersAsync, "nginx answers");
            await AskAsync(50);
            var quick = TimeSpan.FromMilliseconds(50);
            using var keeping = new LogKeeping(_bed.Settings, TimeProvider.System, new LogKeeperPace(quick, Patience, quick, quick));
            keeping.Start();
            await AskUntilAsync(keeping, state => state is { Go: LogsGo.ToShared, WaitingBytes: 0, StillOpen: 0 });

            Directory.Move(_bed.Shared, _bed.Shared + ".away");
            await AskUntilAsync(keeping, state => state is { Go: LogsGo.ToSpool, WaitingBytes: > 1000 });
            Directory.Move(_bed.Shared + ".away", _bed.Shared);
            await AskUntilAsync(keeping, state => state is { Go: LogsGo.ToShared, WaitingBytes: 0, StillOpen: 0, Problem: null });
            await AskAsync(50);
        }
        finally
        {
            Processes.Signal(nginx.Id, Processes.SignalTerminate);
            Assert.True(nginx.WaitForExit(Patience));
        }

        var lines = _bed.Read(new LogQuery { Log = "access.log" }, default(LogFormat));
        Assert.Equal(
            Enumerable.Range(1, _asked).Select(number => $"\"GET /{number} HTTP/1.1\""),
            lines.Select(line => string.Join(' ', line.Split(' ')[5..8])).OrderBy(request => int.Parse(request.Split('/', ' ')[2], CultureInfo.InvariantCulture)));
        Assert.True(Directory.EnumerateDirectories(Path.Combine(_bed.Shared, "clusterfs/logs/wiki/n1"), "wiki@*").Count() >= 2);
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static async Task UntilAsync(Func<Task<bool>> condition, string what)
    {
        var began = Stopwatch.GetTimestamp();
        while (!await condition())
        {
            Assert.True(Stopwatch.GetElapsedTime(began) < Patience, $"it never came to: {what}");
            await Task.Yield();
        }
    }

    private Task AskUntilAsync(LogKeeping keeping, Func<LogLinkState, bool> condition) => UntilAsync(
        async () =>
        {
            await AskAsync(5);
            return condition(Assert.Single(keeping.Of("wiki")));
        },
        $"the logs go where they should; they are {Assert.Single(keeping.Of("wiki"))}");

    private async Task AskAsync(int times)
    {
        for (var i = 0; i < times; i++)
        {
            using var answer = await _client.GetAsync(new Uri($"http://127.0.0.1:{_port}/{_asked + 1}"));
            Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
            _asked++;
        }
    }

    private async Task<bool> AnswersAsync()
    {
        try
        {
            using var socket = new TcpClient();
            await socket.ConnectAsync(IPAddress.Loopback, _port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private string Configuration()
    {
        var temporary = string.Concat(
            new[] { "client_body", "proxy", "fastcgi", "uwsgi", "scgi" }.Select(kind => $"{kind}_temp_path {_bed.Root}/{kind};\n"));
        return $$"""
            daemon off;
            pid {{_bed.Root}}/nginx.pid;
            error_log {{_bed.Root}}/n1/wiki/error.log notice;
            events { }
            http {
              {{temporary}}
              access_log {{_bed.Root}}/n1/wiki/access.log;
              server { listen 127.0.0.1:{{_port}}; location / { return 204; } }
            }
            """;
    }
}
