using System.Globalization;
using ClusterFs.Demo;

namespace ClusterFs.Cluster.Tests.Recipes;

internal sealed class RedisRecipe() : Recipe("redis", "redis", "redis-server.service", "/var/lib/redis", [6379], 1)
{
    private int _port;

    public override string? Missing => MissingProgram("redis-server", "/usr/bin/redis-server");

    public override RecipeClient Connect() => new Client(Host, _port);

    public override async Task Prepare(ClusterNode node)
    {
        _port = Port(node.Cluster, 6379);
        await MakeDirectory(LivePath(node), "redis");
        await MakeDirectory(RunDirectory(node), "redis");
    }

    protected override IEnumerable<(string Original, string Here)> Differences(ClusterNode node) =>
    [
        ("/run/redis/", $"{RunDirectory(node)}/"),
        ("/etc/redis/redis.conf", Path.Combine(node.Directory, "recipes", "redis", "redis.conf")),

        // A title is written over the environment, by which the test finds the node's processes.
        ("--daemonize no", "--daemonize no --set-proc-title no"),
    ];

    private static string RunDirectory(ClusterNode node) => Path.Combine(node.Directory, "run-redis");

    private sealed class Client(string host, int port) : RecipeClient
    {
        private LineConnection? _connection;

        public override async Task Write(long number, CancellationToken cancelled)
        {
            try
            {
                _connection ??= await LineConnection.Open(host, port, cancelled);
                await _connection.Ask($"SET key:{number} {number}", "+OK", cancelled);
            }
            catch
            {
                Dispose();
                throw;
            }
        }

        public override async Task<IReadOnlySet<long>> ReadAll(CancellationToken cancelled)
        {
            using var connection = await LineConnection.Open(host, port, cancelled);
            var count = int.Parse((await connection.Ask("KEYS key:*", "*", cancelled))[1..], CultureInfo.InvariantCulture);
            var numbers = new HashSet<long>();
            for (var i = 0; i < count; i++)
            {
                await connection.Require("$", cancelled);
                numbers.Add(long.Parse((await connection.Require("key:", cancelled))[4..], CultureInfo.InvariantCulture));
            }

            return numbers;
        }

        public override void Dispose()
        {
            _connection?.Dispose();
            _connection = null;
        }
    }
}
