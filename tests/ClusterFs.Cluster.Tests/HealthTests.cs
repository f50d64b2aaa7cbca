using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using ClusterFs.Cluster.Tests.Bench;
using ClusterFs.Demo;
using ClusterFs.Demo.Status;

namespace ClusterFs.Cluster.Tests;

/// <summary>What load balancers ask, and what anybody on the network may try.</summary>
[Collection(OneWatchedCluster.Name)]
public sealed class HealthTests(WatchedCluster watched)
{
    private const string Service = WatchedCluster.Service;

    /// <summary>Of a daemon under abuse: buffers come and go, and nothing is to stay.</summary>
    private const long MostGrowth = 24 << 20;

    private static readonly TimeSpan Patience = WatchedCluster.Patience;

    public static TheoryData<string, int> Requests => new()
    {
        { "GET /live HTTP/1.1\r\nHost: x\r\n\r\n", 200 },
        { "OPTIONS /live HTTP/1.0\r\n\r\n", 200 },
        { "HEAD /ready HTTP/1.1\r\nHost: x\r\n\r\n", 200 },
        { "HEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\n", 200 },
        { "POST /live HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 405 },
        { "DELETE /owner/wiki HTTP/1.1\r\nHost: x\r\n\r\n", 405 },
        { "BREW /metrics HTTP/1.1\r\nHost: x\r\n\r\n", 405 },
        { "POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 405 },
        { "GET /live HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n", 413 },
        { "GET /ready HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", 413 },
        { "POST /owner/wiki HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 413 },
        { "GET /owner/nothing HTTP/1.1\r\nHost: x\r\n\r\n", 404 },
        { "GET /owner/ HTTP/1.1\r\nHost: x\r\n\r\n", 404 },
        { "GET /owner/wiki/more HTTP/1.1\r\nHost: x\r\n\r\n", 404 },
        { "GET /owner/%00%ff%2e%2e%2fetc HTTP/1.1\r\nHost: x\r\n\r\n", 400 },
        { "GET /owner/..%2f..%2fetc%2fpasswd HTTP/1.1\r\nHost: x\r\n\r\n", 404 },
        { "GET /standby/wiki?max-lag=soon HTTP/1.1\r\nHost: x\r\n\r\n", 400 },
        { "GET /standby/wiki?max-lag=1s&max-lag=2s HTTP/1.1\r\nHost: x\r\n\r\n", 400 },
        { "GET /standby/wiki?max-lag=1e999s HTTP/1.1\r\nHost: x\r\n\r\n", 400 },
        { "GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n", 404 },
        { "POST /v1/services/wiki/move HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n{\"to\":\"n2\"}", 404 },
        { "GET /index.html HTTP/1.1\r\nHost: x\r\n\r\n", 404 },
        { "GET /live HTTP/1.1\r\n\r\n", 400 },
        { "GET /live HTTP/9.9\r\nHost: x\r\n\r\n", 505 },
        { "\0\u0001\u0002 nonsense\r\n\r\n", 400 },
        { $"GET /{new string('a', 5000)} HTTP/1.1\r\nHost: x\r\n\r\n", 414 },
        { $"GET /live HTTP/1.1\r\nHost: x\r\nX: {new string('a', 9000)}\r\n\r\n", 431 },
        { $"GET /live HTTP/1.1\r\nHost: x\r\n{string.Concat(Enumerable.Range(0, 60).Select(i => $"X{i}: 1\r\n"))}\r\n", 431 },
    };

    [Theory]
    [MemberData(nameof(Requests))]
    public async Task Every_request_has_a_clear_status_and_no_stack_trace(string request, int status)
    {
        var owner = await watched.Settle();
        await watched.Until(owner, "/ready", HttpStatusCode.OK);

        var answer = await watched.Send(owner, request);

        Assert.StartsWith($"HTTP/1.1 {status} ", answer, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", answer, StringComparison.Ordinal);
        Assert.DoesNotContain("Exception", answer, StringComparison.Ordinal);
        Assert.DoesNotContain("Server:", answer, StringComparison.Ordinal);
        if (status == 405)
        {
            Assert.Contains("\r\nAllow: GET, HEAD", answer, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task The_owner_says_so_the_others_are_standbys_and_a_lost_guard_is_a_reason()
    {
        var owner = await watched.Settle();
        var others = watched.Cluster.Nodes.Where(node => node != owner).ToList();
        await watched.Until(owner, $"/owner/{Service}", HttpStatusCode.OK);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await watched.Ask(owner, $"/standby/{Service}")).Status);
        foreach (var other in others)
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, (await watched.Ask(other, $"/owner/{Service}")).Status);
            await watched.Until(other, $"/standby/{Service}?max-lag=10s", HttpStatusCode.OK);
        }

        var bystander = others[0];
        bystander.Guard!.Signal(Posix.Processes.SignalKill);
        await watched.Until(bystander, "/ready", HttpStatusCode.ServiceUnavailable);
        Assert.StartsWith("not ready\nthe guard does not answer: ", (await watched.Ask(bystander, "/ready")).Text, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await watched.Ask(bystander, "/live")).Status);
        await bystander.Guard.UntilExit(Patience);
        await watched.Settle();
        await watched.Until(bystander, "/ready", HttpStatusCode.OK);
    }

    [Fact]
    public async Task Floods_and_slow_clients_are_cut_off_and_neither_lease_nor_memory_notices()
    {
        var owner = await watched.Settle();
        var before = await Of(owner);
        await Burst(owner);
        var memory = Resident(owner);

        for (var round = 0; round < 10; round++)
        {
            await Burst(owner);
        }

        // Some send half a request and wait, some drop by drop, one takes metrics and does not read them.
        var slow = Enumerable.Range(0, 40).Select(number => HalfARequest(owner, number)).ToList();
        Assert.Equal(0, (await owner.Clusterfs("status")).ExitCode);
        var lived = await Task.WhenAll(slow);
        Assert.All(lived, life => Assert.InRange(life, TimeSpan.Zero, TimeSpan.FromSeconds(20)));
        Assert.Contains(lived, life => life < TimeSpan.FromSeconds(3));

        Assert.Equal(HttpStatusCode.OK, (await watched.Ask(owner, $"/owner/{Service}")).Status);
        var after = await Of(owner);
        Assert.Equal((before.Owner, before.Epoch), (after.Owner, after.Epoch));
        Assert.InRange(Resident(owner) - memory, long.MinValue, MostGrowth);
    }

    [SkippableFact]
    public async Task The_socket_is_for_its_owner_and_its_group()
    {
        Skip.IfNot(Environment.UserName == "root" && File.Exists("/usr/bin/setpriv") && File.Exists("/usr/bin/curl"), "needs root, setpriv and curl");
        var owner = await watched.Settle();
        for (var directory = Path.GetDirectoryName(owner.Socket); directory is not null and not "/tmp" and not "/"; directory = Path.GetDirectoryName(directory))
        {
            // The socket alone shall refuse.
            File.SetUnixFileMode(directory, File.GetUnixFileMode(directory) | UnixFileMode.OtherExecute | UnixFileMode.GroupExecute);
        }

        Assert.Equal("200", await Curl(owner, "--reuid=65534", "--regid=0", "--clear-groups"));
        Assert.Equal("000", await Curl(owner, "--reuid=65534", "--regid=65534", "--clear-groups"));
    }

    [SkippableTheory]
    [InlineData("GET", "/v1/services/wiki/move", null, "405")]
    [InlineData("POST", "/v1/status", "", "405")]
    [InlineData("POST", "/v1/services/wiki/move", "{", "400")]
    [InlineData("POST", "/v1/services/wiki/move", "{}", "400")]
    [InlineData("POST", "/v1/services/wiki/move", "[[[[[[[[[[", "400")]
    [InlineData("POST", "/v1/services/wiki/move", "{\"to\":\"nowhere\"}", "400")]
    [InlineData("POST", "/v1/services/nothing/move", "{\"to\":\"n2\"}", "404")]
    [InlineData("POST", "/v1/services/nothing/pause", "", "404")]
    [InlineData("GET", "/v1/services/%00/history", null, "400")]
    [InlineData("GET", "/v1/simulate?kill=n1&lose=shared", null, "400")]
    [InlineData("GET", "/v1/nothing", null, "404")]
    public async Task The_socket_answers_mistakes_with_a_status_and_no_effect(string method, string path, string? body, string status)
    {
        Skip.IfNot(File.Exists("/usr/bin/curl"), "needs curl");
        var owner = await watched.Settle();
        var before = await Of(owner);

        Assert.Equal(status, await Curl(owner, [], method, path, body));
        Assert.Equal("413", await Curl(owner, [], "POST", "/v1/services/wiki/move", new string(' ', 70_000)));

        var after = await Of(owner);
        Assert.Equal((before.Owner, before.Epoch), (after.Owner, after.Epoch));
    }

    private static Task<string> Curl(ClusterNode node, params string[] user) => Curl(node, user, "GET", "/v1/status", null);

    private static async Task<string> Curl(ClusterNode node, string[] user, string method, string path, string? body)
    {
        string[] command =
        [
            .. user.Length == 0 ? user : ["/usr/bin/setpriv", .. user],
            "/usr/bin/curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-m", "20", "--unix-socket", node.Socket, "-X", method, $"http://x{path}",
            // It waits for the answer before it sends the body: who is refused while still sending may be cut off before having read why.
            .. body is null ? Array.Empty<string>() : ["--data-binary", "@-", "-H", "Expect: 100-continue"],
        ];
        using var process = Process.Start(new ProcessStartInfo(command[0], command[1..]) { RedirectStandardOutput = true, RedirectStandardInput = true })!;
        try
        {
            await process.StandardInput.WriteAsync(body ?? "");
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It was refused before all of it was read.
        }

        return await process.StandardOutput.ReadToEndAsync();
    }

    private Task<ServiceStatus> Of(ClusterNode node) =>
        watched.Cluster.UntilService(Service, $"is owned by {node.Name}", Patience, service => service.IsOwned && service.Owner == node.Name);

    private static long Resident(ClusterNode node) => long.Parse(
        File.ReadAllLines($"/proc/{node.Daemon!.Id}/status").Single(line => line.StartsWith("VmRSS:", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1],
        CultureInfo.InvariantCulture) << 10;

    /// <summary>Every request there is, each many times, from many connections.</summary>
    private async Task Burst(ClusterNode node) => await Task.WhenAll(Enumerable.Range(0, 24).Select(async _ =>
    {
        foreach (var row in Requests.Concat(PageTests.Requests))
        {
            try
            {
                await watched.Send(node, (string)row[0]);
            }
            catch (Exception e) when (e is SocketException or IOException)
            {
                // Cut off: that is what the test is about.
            }
        }

        try
        {
            await watched.Ask(node, "/metrics");
        }
        catch (HttpRequestException)
        {
            // As above.
        }
    }));

    /// <returns>How long the connection lived.</returns>
    private async Task<TimeSpan> HalfARequest(ClusterNode node, int number)
    {
        var watch = Stopwatch.StartNew();
        using var client = new TcpClient();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(40));
        try
        {
            await client.ConnectAsync(node.Address, watched.Cluster.Ports.Http);
            var stream = client.GetStream();
            await stream.WriteAsync(Encoding.Latin1.GetBytes("GET /live HTTP/1.1\r\nHost: x\r\nX: "), limit.Token);
            var answer = stream.ReadAsync(new byte[4096], limit.Token).AsTask();
            while (number % 2 == 0 && !answer.IsCompleted)
            {
                await stream.WriteAsync("a"u8.ToArray(), limit.Token);
                await Task.WhenAny(answer, Task.Delay(TimeSpan.FromMilliseconds(200), limit.Token));
            }

            await answer;
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            // Cut off without a word.
        }

        return watch.Elapsed;
    }
}
