using ClusterFs.Demo.Layout;
using ClusterFs.Demo.Processes;
using ClusterFs.Demo.Status;

namespace ClusterFs.Demo;

/// <summary>
/// A real cluster on this machine: the real executables, each node with its own directories, on loopback addresses unless another site is
/// named. Whatever it started ends with it, also when this process is killed, unless it is told to leave it running.
/// </summary>
public sealed class LocalCluster : IAsyncDisposable
{
    /// <summary>The host of the private database server.</summary>
    public const string DatabaseHost = "database";

    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan RemovalPatience = TimeSpan.FromSeconds(30);

    private readonly Warden _warden;
    private readonly PrivatePostgres? _postgres;
    private bool _left;

    private LocalCluster(LocalClusterOptions options)
    {
        Options = options;
        Site = options.Site ?? new LoopbackSite(options);
        Nodes = [.. Enumerable.Range(1, options.Nodes).Select(node => new ClusterNode(this, $"n{node}", Site.AddressOf(node)))];
        Members = Nodes;
        _warden = Warden.Start(Mark, Site.Removal);
        _postgres = options.Journal == JournalKind.PostgreSql
            ? new PrivatePostgres(
                Site.DatabaseDirectory, Site.DatabaseAddress, Ports.Database, Site.Enter(DatabaseHost), EnvironmentOf(DatabaseHost))
            : null;
        JournalConnectionString = _postgres?.ConnectionString ?? $"Data Source={Path.Combine(Directory, "journal.db")}";
    }

    public LocalClusterOptions Options { get; }

    public ClusterSite Site { get; }

    public ProcessMark Mark => Site.Mark;

    /// <summary>Holds everything that the cluster writes; deleted at the end unless it is left running.</summary>
    public string Directory => Site.Directory;

    public string SharedDirectory => Site.SharedDirectory;

    public string SharedConfigurationFile => Path.Combine(SharedDirectory, "cluster.conf");

    public Ports Ports => Site.Ports;

    public IReadOnlyList<ClusterNode> Nodes { get; }

    /// <summary>The nodes that the shared configuration names: all of them to begin with.</summary>
    public IReadOnlyList<ClusterNode> Members { get; private set; }

    public string JournalConnectionString { get; }

    /// <summary>The journal's database server, where there is one.</summary>
    /// <exception cref="InvalidOperationException">The journal is SQLite.</exception>
    public PrivatePostgres Postgres => _postgres ?? throw new InvalidOperationException("the journal of this cluster is SQLite");

    internal string CertificatesDirectory => Path.Combine(Directory, "certificates");

    /// <summary>Writes the configuration and starts the journal's database, but no node.</summary>
    public static async Task<LocalCluster> Create(LocalClusterOptions options)
    {
        var cluster = new LocalCluster(options);
        try
        {
            ClusterFiles.Write(cluster);
            if (options.Encrypted)
            {
                await cluster.MakeCertificates();
            }

            if (cluster._postgres is not null)
            {
                await cluster._postgres.Initialise();
                await cluster._postgres.Start();
            }

            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>Puts another list of nodes into the shared configuration. Whoever runs goes on with what it has read.</summary>
    public void Configure(params ClusterNode[] members)
    {
        Members = members;
        ClusterFiles.WriteShared(this);
    }

    public ClusterNode Node(string name) => Nodes.First(node => node.Name == name);

    public IEnumerable<ClusterNode> Except(params ClusterNode[] nodes) => Nodes.Except(nodes);

    public LocalService Service(string name) => Options.Services.First(service => service.Name == name);

    /// <summary>Where a service's ownership is decided on, as far as the logs say; null before the first decision.</summary>
    public ClusterNode? DecidesOn(string service)
    {
        var recovered = $" {service}: ownership recovered at epoch ";
        return Nodes
            .Select(node => (Node: node, Line: LastLine(Path.Combine(node.LogDirectory, "daemon.log"), recovered)))
            .Where(found => found.Line is not null)
            .MaxBy(found => found.Line, StringComparer.Ordinal)
            .Node;

        // Each line begins with its time, so the greatest is the newest.
        static string? LastLine(string log, string text) =>
            File.Exists(log) ? File.ReadLines(log).LastOrDefault(line => line.Contains(text, StringComparison.Ordinal)) : null;
    }

    /// <summary>Waits until every node that is configured sees every one of them as a member.</summary>
    public async Task UntilComplete(TimeSpan patience, CancellationToken cancelled = default)
    {
        foreach (var node in Members)
        {
            await Eventually.Get(
                $"{node.Name} sees {Members.Count} members that are up",
                patience,
                async () =>
                {
                    FailIfEnded();
                    var status = await node.TryStatus();
                    return status?.Cluster.Members.Count(member => member.IsUp) == Members.Count ? status : null;
                },
                Evidence,
                cancelled);
        }
    }

    /// <summary>Waits until the service is as described, as any node reports it.</summary>
    public Task<ServiceStatus> UntilService(
        string service,
        string what,
        TimeSpan patience,
        Func<ServiceStatus, bool> holds,
        CancellationToken cancelled = default) =>
        Eventually.Get(
            $"{service}: {what}",
            patience,
            async () =>
            {
                var answers = await Task.WhenAll(Nodes.Select(node => node.TryStatus()));
                return answers.Select(status => status?.Service(service)).FirstOrDefault(status => status is not null && holds(status));
            },
            Evidence,
            cancelled);

    /// <summary>Everything that is known, for failure messages: which processes live, and the ends of their logs.</summary>
    public string Evidence()
    {
        var logs = Nodes.SelectMany(node =>
            System.IO.Directory.EnumerateFiles(node.LogDirectory, "*.log").Order().Select(LogTail.Of));
        var alive = Nodes.Select(node => $"{node.Name}: alive {string.Join(' ', node.Processes())}");
        return string.Join(Environment.NewLine, [.. alive, .. logs]);
    }

    /// <summary>The cluster goes on after this object and this process are gone.</summary>
    /// <returns>A shell script that stops it and deletes its directory.</returns>
    public string LeaveRunning()
    {
        var script = Path.Combine(Directory, "stop.sh");
        File.WriteAllText(script, StopScript.For(Mark, Directory));
        File.SetUnixFileMode(script, File.GetUnixFileMode(script) | UnixFileMode.UserExecute);
        _left = true;
        return script;
    }

    /// <summary>
    /// Stops everything in order: services with a last dump, then daemons, then guards; whoever is not in time is killed.
    /// </summary>
    public async Task StopInOrder()
    {
        await TerminateAll(Nodes.SelectMany(node => node.Runs.Values));
        await TerminateAll(Nodes.Select(node => node.Daemon).OfType<LaunchedProcess>());
        await TerminateAll(Nodes.Select(node => node.Guard).OfType<LaunchedProcess>());
    }

    public async ValueTask DisposeAsync()
    {
        if (!_left)
        {
            await Eventually.True("no process of the cluster is left", StopPatience, () => KillAll(Mark.Processes()));
            await Remove();
        }

        _warden.Dispose();
    }

    internal static string LivePathEverywhere(string service) => $"/var/lib/{service}";

    /// <summary>The environment variables of a host's processes, the mark among them.</summary>
    public IReadOnlyDictionary<string, string> EnvironmentOf(string host) =>
        new Dictionary<string, string>(Site.SurroundingsOf(host)) { [ProcessMark.Variable] = Mark.ValueFor(host) };

    /// <summary>SIGKILL to each of them.</summary>
    /// <returns>Whether there was none: a process may have started another while it was looked for.</returns>
    public static bool KillAll(IReadOnlyList<int> processes)
    {
        foreach (var process in processes)
        {
            Posix.Processes.Signal(process, Posix.Processes.SignalKill);
        }

        return processes.Count == 0;
    }

    /// <summary>There is no use in waiting for the word of one that is gone.</summary>
    private void FailIfEnded()
    {
        var ended = Members
            .SelectMany(node => new[] { node.Guard, node.Daemon })
            .OfType<LaunchedProcess>()
            .FirstOrDefault(process => process.HasExited);
        if (ended is not null)
        {
            throw new ConditionNotMetException(
                $"{ended.Name} has ended with exit code {ended.ExitCode}{Environment.NewLine}{LogTail.Of(ended.LogFile)}");
        }
    }

    private static async Task TerminateAll(IEnumerable<LaunchedProcess> processes)
    {
        var all = processes.ToList();
        foreach (var process in all)
        {
            process.Signal(Posix.Processes.SignalTerminate);
        }

        foreach (var process in all)
        {
            try
            {
                await process.UntilExit(StopPatience);
            }
            catch (ConditionNotMetException)
            {
                process.Signal(Posix.Processes.SignalKill);
            }
        }
    }

    private async Task Remove()
    {
        // For looking into what went wrong; named on purpose by whoever sets it.
        if (Environment.GetEnvironmentVariable("CLUSTERFS_KEEP_SCRATCH") is null)
        {
            var noVariables = new Dictionary<string, string>();
            (await Command.Run(["/bin/sh", "-c", Site.Removal], noVariables, RemovalPatience)).Successful();
        }
    }

    private async Task MakeCertificates()
    {
        var patience = TimeSpan.FromSeconds(10);
        var noVariables = new Dictionary<string, string>();
        string[] make = [Options.Binaries.Clusterfs, "certificates"];
        (await Command.Run([.. make, "authority", "--out", CertificatesDirectory], noVariables, patience)).Successful();
        foreach (var node in Nodes)
        {
            (await Command.Run(
                [.. make, "node", node.Name, "--authority", CertificatesDirectory, "--out", CertificatesDirectory], noVariables, patience)).Successful();
        }
    }
}
