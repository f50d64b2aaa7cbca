using System.Text.Json;
using ClusterFs.Demo.Layout;
using ClusterFs.Demo.Processes;
using ClusterFs.Demo.Status;

namespace ClusterFs.Demo;

/// <summary>One node: its files, and its processes as they were last started.</summary>
public sealed class ClusterNode
{
    private static readonly TimeSpan CommandPatience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan KillPatience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan StatusPatience = TimeSpan.FromSeconds(3);

    private readonly Dictionary<string, LaunchedProcess> _runs = [];

    internal ClusterNode(LocalCluster cluster, string name, string address)
    {
        Cluster = cluster;
        Name = name;
        Address = address;
        Directory = Path.Combine(cluster.Directory, name);
    }

    public LocalCluster Cluster { get; }

    public string Name { get; }

    public string Address { get; }

    public string Directory { get; }

    public string ConfigurationFile => Path.Combine(Directory, "node.conf");

    public string LogDirectory => Path.Combine(Directory, "log");

    public string StateDirectory => Path.Combine(Cluster.Site.DiskOf(Name), "state");

    /// <summary>The shared directory as this node sees it.</summary>
    public string SharedDirectory => Cluster.Site.SharedDirectoryOf(Name);

    /// <summary>Free for a service.</summary>
    public int ServicePort => Cluster.Ports.Service;

    public string Socket => Path.Combine(Directory, "run", "clusterfs.sock");

    public LaunchedProcess? Guard { get; private set; }

    public LaunchedProcess? Daemon { get; private set; }

    /// <summary>The processes beside the services, by service.</summary>
    public IReadOnlyDictionary<string, LaunchedProcess> Runs => _runs;

    public string LivePath(string service) => Path.Combine(Cluster.Site.DiskOf(Name), "live", service);

    public void StartGuard() => Guard = Launch("guard", [Cluster.Options.Binaries.Clusterfs, "guard", "--config", ConfigurationFile]);

    public void StartDaemon() => Daemon = Launch("daemon", [Cluster.Options.Binaries.Clusterfs, "node", "--config", ConfigurationFile]);

    /// <summary>Makes the node a candidate for the service: it is started here as soon as the node owns it.</summary>
    public void StartRun(string service)
    {
        IReadOnlyList<string> command = ["env", ServiceEntry(service), .. Cluster.Service(service).Command(this)];
        _runs[service] = Launch(
            $"run-{service}",
            [Cluster.Options.Binaries.Clusterfs, "run", service, "--config", ConfigurationFile, "--", .. command]);
    }

    /// <summary>Starts whatever of guard and daemon is not running.</summary>
    public void Start()
    {
        System.IO.Directory.CreateDirectory(Path.GetDirectoryName(Socket)!);
        if (Guard is null or { HasExited: true })
        {
            StartGuard();
        }

        if (Daemon is null or { HasExited: true })
        {
            StartDaemon();
        }
    }

    /// <summary>The ids of all living processes of the node, services and their descendants included.</summary>
    public IReadOnlyList<int> Processes() => Cluster.Mark.ProcessesOf(Name);

    /// <summary>The ids of the living processes of a service here, also of those that left its session and process group.</summary>
    public IReadOnlyList<int> ProcessesOf(string service) => Cluster.Mark.ProcessesOf(Name, ServiceEntry(service));

    /// <summary>SIGKILL to every process of the node, as a power cut would. Returns when none is left.</summary>
    public Task KillEverything() => Eventually.True(
        $"no process of {Name} is left",
        KillPatience,
        () => LocalCluster.KillAll(Processes()) && Guard is null or { HasExited: true } && Daemon is null or { HasExited: true });

    /// <summary>Runs a command of this node's command line; <c>--config</c> is added.</summary>
    public Task<CommandResult> Clusterfs(params string[] arguments) => Clusterfs(CommandPatience, arguments);

    /// <inheritdoc cref="Clusterfs(string[])"/>
    public Task<CommandResult> Clusterfs(TimeSpan patience, params string[] arguments)
    {
        var end = Array.IndexOf(arguments, "--") is var found and >= 0 ? found : arguments.Length;
        return Command.Run(
            [Cluster.Options.Binaries.Clusterfs, .. arguments[..end], "--config", ConfigurationFile, .. arguments[end..]],
            Cluster.EnvironmentOf("command"),
            patience);
    }

    /// <exception cref="ConditionNotMetException">The daemon does not answer.</exception>
    public Task<ClusterStatus> Status() => Status(CommandPatience);

    /// <summary>For who asks again and again.</summary>
    /// <returns>Null where the daemon does not answer at once.</returns>
    public async Task<ClusterStatus?> TryStatus()
    {
        if (Daemon is null or { HasExited: true })
        {
            return null;
        }

        try
        {
            return await Status(StatusPatience);
        }
        catch (Exception e) when (e is ConditionNotMetException or JsonException)
        {
            return null;
        }
    }

    private async Task<ClusterStatus> Status(TimeSpan patience) => ClusterStatus.Parse((await Clusterfs(patience, "status", "--json")).Successful().Output);

    private static string ServiceEntry(string service) => $"CLUSTERFS_LOCAL_SERVICE={service}";

    private LaunchedProcess Launch(string name, IReadOnlyList<string> command) =>
        LaunchedProcess.Start(
            $"{Name} {name}",
            Path.Combine(LogDirectory, $"{name}.log"),
            Directory,
            Cluster.EnvironmentOf(Name),
            [.. Cluster.Site.Enter(Name), .. command]);
}
