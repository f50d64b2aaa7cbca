using System.Globalization;
using ClusterFs.Demo;
using Npgsql;

namespace ClusterFs.Cluster.Tests.Recipes;

/// <summary>By snapshots where a btrfs can be mounted, by base backups elsewhere.</summary>
internal sealed class PostgresqlRecipe(BtrfsDisk disk)
    : Recipe("postgresql", "postgresql", "postgresql-clusterfs.service", "/var/lib/postgresql/clusterfs/main", [5432], 2)
{
    private int _port;

    public override string? Missing =>
        PrivatePostgres.Missing ?? (Posix.Processes.IsRoot ? null : "only root can run PostgreSQL as its own user");

    protected override string Configuration => disk.Missing is null ? "clusterfs.conf" : "clusterfs-base-backup.conf";

    public override string LivePath(ClusterNode node) =>
        disk.Missing is null ? Path.Combine(disk.MountPoint, node.Name, "main") : base.LivePath(node);

    public override RecipeClient Connect() => new Client(string.Create(
        CultureInfo.InvariantCulture, $"Host={Host};Port={_port};Database=app;Username=app;Password=choose-another;Pooling=false;Timeout=2"));

    public override async Task Prepare(ClusterNode node)
    {
        _port = Port(node.Cluster, 5432);
        await MakeDirectory(RunDirectory(node), "postgres");
        await MakeDirectory(LivePath(node), "postgres");
        if (node == node.Cluster.Nodes[0])
        {
            await Run(As($"{PrivatePostgres.Programs}/initdb", "-D", LivePath(node), "--auth=peer"));
        }
    }

    public override async Task Begin(ClusterNode node)
    {
        await Eventually.Get(
            "PostgreSQL answers", RecipeCluster.Patience, async () => await Answers(node) ? node : null, node.Cluster.Evidence);
        await Run([.. Psql(node, "postgres"), "-c", "create role app login password 'choose-another'"]);
        await Run([.. Psql(node, "postgres"), "-c", "create database app owner app"]);
        await Run([.. Psql(node, "app"), "-c", "set role app", "-c", "create table entries (number bigint primary key)"]);
    }

    protected override IEnumerable<(string Original, string Here)> Differences(ClusterNode node) =>
    [
        ("/run/postgresql", RunDirectory(node)),
        ("/usr/lib/postgresql/15/bin", PrivatePostgres.Programs!),

        // Whoever connects to another address of this machine comes from 127.0.0.1.
        ("10.0.0.5/32", "127.0.0.1/32"),
    ];

    private static string RunDirectory(ClusterNode node) => Path.Combine(node.Directory, "run-postgresql");

    private static string[] As(params string[] command) => ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", .. command];

    private string[] Psql(ClusterNode node, string database) =>
        As("psql", "-h", RunDirectory(node), "-p", $"{_port}", "-d", database, "-v", "ON_ERROR_STOP=1", "-Xq");

    private async Task<bool> Answers(ClusterNode node) => (await Demo.Processes.Command.Run(
        [.. Psql(node, "postgres"), "-c", "select 1"], new Dictionary<string, string>(), RecipeCluster.Patience)).ExitCode == 0;

    private sealed class Client(string connectionString) : RecipeClient
    {
        private NpgsqlConnection? _connection;

        public override async Task Write(long number, CancellationToken cancelled)
        {
            try
            {
                _connection ??= await Open(cancelled);
                await using var insert = new NpgsqlCommand("insert into entries values ($1)", _connection) { Parameters = { new() { Value = number } } };
                await insert.ExecuteNonQueryAsync(cancelled);
            }
            catch
            {
                Dispose();
                throw;
            }
        }

        public override async Task<IReadOnlySet<long>> ReadAll(CancellationToken cancelled)
        {
            await using var connection = await Open(cancelled);
            await using var select = new NpgsqlCommand("select number from entries", connection);
            await using var rows = await select.ExecuteReaderAsync(cancelled);
            var numbers = new HashSet<long>();
            while (await rows.ReadAsync(cancelled))
            {
                numbers.Add(rows.GetInt64(0));
            }

            return numbers;
        }

        public override void Dispose()
        {
            _connection?.Dispose();
            _connection = null;
        }

        private async Task<NpgsqlConnection> Open(CancellationToken cancelled)
        {
            var connection = new NpgsqlConnection(connectionString);
            try
            {
                await connection.OpenAsync(cancelled);
                return connection;
            }
            catch
            {
                await connection.DisposeAsync();
                throw;
            }
        }
    }
}
