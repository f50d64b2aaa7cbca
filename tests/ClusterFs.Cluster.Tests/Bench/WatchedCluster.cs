using System.Net;
using System.Net.Sockets;
using System.Text;
using ClusterFs.Demo;
using ClusterFs.Demo.Layout;

namespace ClusterFs.Cluster.Tests.Bench;

/// <summary>Three nodes and a service that writes all the time, for tests of what they tell; and a collector of their traces.</summary>
public sealed class WatchedCluster : IAsyncLifetime
{
    public const string Service = "wiki";

    /// <summary>Who has it may act from the nodes' pages.</summary>
    public const string Token = "token-of-the-watched-cluster";

    private LocalCluster? _cluster;

    public static TimeSpan Patience { get; } = TimeSpan.FromSeconds(60);

    /// <inheritdoc cref="ClusterBench.Ttl"/>
    public static TimeSpan Ttl => ClusterBench.Ttl;

    public LocalCluster Cluster => _cluster ?? throw new InvalidOperationException("set up by xunit");

    internal TraceCollector Traces { get; } = new();

    public async Task InitializeAsync()
    {
        _cluster = await LocalCluster.Create(new LocalClusterOptions
        {
            Name = "watched",
            Ttl = Ttl,
            StopBudget = TimeSpan.FromSeconds(1),
            FailoverMax = 0,
            Binaries = Binaries.Find(),
            Services =
            [
                new LocalService(
                    Service,
                    TimeSpan.FromSeconds(1),
                    node => ["sh", "-c", $"while :; do echo x >> '{node.LivePath(Service)}/beats'; sleep 0.2; done"]),
            ],
        });
        foreach (var node in _cluster.Nodes)
        {
            var token = Path.Combine(node.Directory, "page.token");
            File.WriteAllText(token, Token);
            File.SetUnixFileMode(token, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            File.AppendAllText(
                node.ConfigurationFile, $"clusterfs.telemetry.otlp-endpoint = \"{Traces.Address}\"\nclusterfs.http.token-file = \"{token}\"\n");
        }

        await Settle();
    }

    public async Task DisposeAsync()
    {
        if (_cluster is not null)
        {
            await _cluster.DisposeAsync();
        }

        Traces.Dispose();
    }

    /// <summary>Brings back what is not running.</summary>
    /// <returns>The owner.</returns>
    public async Task<ClusterNode> Settle()
    {
        foreach (var node in Cluster.Nodes)
        {
            node.Start();
        }

        await Cluster.UntilComplete(Patience);
        foreach (var node in Cluster.Nodes.Where(node => !node.Runs.TryGetValue(Service, out var run) || run.HasExited))
        {
            node.StartRun(Service);
        }

        var status = await Cluster.UntilService(Service, "is owned and runs", Patience, service => service.IsOwned && Cluster.Node(service.Owner!).ProcessesOf(Service).Count > 0);
        return Cluster.Node(status.Owner!);
    }

    public Uri Of(ClusterNode node, string path) => new($"http://{node.Address}:{Cluster.Ports.Http}{path}");

    public async Task<(HttpStatusCode Status, string Text)> Ask(ClusterNode node, string path, HttpMethod? method = null)
    {
        using var client = new HttpClient { Timeout = TimeSpan.FromSeconds(10) };
        using var request = new HttpRequestMessage(method ?? HttpMethod.Get, Of(node, path));
        using var response = await client.SendAsync(request);
        return (response.StatusCode, await response.Content.ReadAsStringAsync());
    }

    /// <summary>Sends what it is given, and reads the head of the answer.</summary>
    /// <param name="from">An address of this machine to send it from; null for the usual one.</param>
    public async Task<string> Send(ClusterNode node, string request, string? from = null)
    {
        using var client = from is null ? new TcpClient() : new TcpClient(new IPEndPoint(IPAddress.Parse(from), 0));
        await client.ConnectAsync(node.Address, Cluster.Ports.Http);
        var stream = client.GetStream();
        await stream.WriteAsync(Encoding.Latin1.GetBytes(request));
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(15));
        var answer = new StringBuilder();
        var buffer = new byte[16384];
        while (!answer.ToString().Contains("\r\n\r\n", StringComparison.Ordinal))
        {
            var read = await stream.ReadAsync(buffer, limit.Token);
            if (read == 0)
            {
                break;
            }

            answer.Append(Encoding.Latin1.GetString(buffer, 0, read));
        }

        return answer.ToString();
    }

    /// <summary>Asks until the answer is this.</summary>
    public Task Until(ClusterNode node, string path, HttpStatusCode status) => Eventually.Get(
        $"{path} of {node.Name} is {status}",
        Patience,
        async () =>
        {
            try
            {
                return (await Ask(node, path)).Status == status ? path : null;
            }
            catch (HttpRequestException)
            {
                return null;
            }
        },
        Cluster.Evidence);
}

[CollectionDefinition(Name)]
public sealed class OneWatchedCluster : ICollectionFixture<WatchedCluster>
{
    public const string Name = "one watched cluster";
}
