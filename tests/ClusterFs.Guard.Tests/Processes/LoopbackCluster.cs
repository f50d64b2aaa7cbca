using System.Net;
using System.Net.Sockets;
using ClusterFs.Guard.Execution;
using ClusterFs.Lease;
using ClusterFs.Lease.Voter;

namespace ClusterFs.Guard.Tests.Processes;

/// <summary>Three nodes on loopback addresses: real guards, and a test in place of their daemons.</summary>
internal sealed class LoopbackCluster : IAsyncDisposable
{
    public const string Service = "web";

    /// <summary>So long that a machine that stands still for a second or two ends no lease.</summary>
    public static readonly TimeSpan Ttl = TimeSpan.FromSeconds(5);
    public static readonly TimeSpan StopBudget = TimeSpan.FromMilliseconds(1000);

    private static readonly string[] AllNodes = ["n1", "n2", "n3"];

    private readonly List<IAsyncDisposable> _started = [];

    private readonly string _more;
    private readonly LeaseTimings _timings;

    /// <param name="more">Further settings of the service on n1.</param>
    /// <param name="timings">Of every lease.</param>
    private LoopbackCluster(string more = "", LeaseTimings? timings = null)
    {
        _more = more;
        _timings = timings ?? new LeaseTimings(Ttl, StopBudget);
        Directory = System.IO.Directory.CreateTempSubdirectory("clusterfs-guard-").FullName;
        System.IO.Directory.CreateDirectory(Path.Combine(Directory, "shared"));
        Port = FreePort();
        Voters = new VoterClient(AllNodes.ToDictionary(node => node, AddressOf), Port);
        foreach (var node in AllNodes)
        {
            File.WriteAllText(ConfigOf(node), Configuration(node));
        }
    }

    public string Directory { get; }

    public int Port { get; }

    public VoterClient Voters { get; }

    public Dictionary<string, CommandProcess> Guards { get; } = [];

    /// <summary>Of which nothing is started.</summary>
    public static LoopbackCluster Prepare(string more, LeaseTimings timings) => new(more, timings);

    /// <summary>Three guards that answer, whose voters have joined.</summary>
    public static async Task<LoopbackCluster> StartAsync(string more = "", LeaseTimings? timings = null)
    {
        var cluster = new LoopbackCluster(more, timings);
        foreach (var node in AllNodes)
        {
            cluster.StartGuard(node);
        }

        await cluster.JoinAllAsync();
        return cluster;
    }

    public static async Task<LoopbackCluster> StartWithoutJoiningAsync(params string[] nodes)
    {
        var cluster = new LoopbackCluster();
        foreach (var node in nodes)
        {
            cluster.StartGuard(node);
            _ = await cluster.ProbeAsync(node);
        }

        return cluster;
    }

    public string ConfigOf(string node) => Path.Combine(Directory, $"{node}.conf");

    public string SocketOf(string node) => Path.Combine(Directory, node, "guard.sock");

    public string StateOf(string node) => Path.Combine(Directory, node, "state", "guard");

    public string InDirectory(string name) => Path.Combine(Directory, name);

    public Task JoinAllAsync() => Task.WhenAll(AllNodes.Select(JoinAsync));

    public CommandProcess StartGuard(string node)
    {
        if (SettingsOn(node).Contains("reboot", StringComparison.Ordinal))
        {
            throw new InvalidOperationException("this guard could reboot the machine of the test");
        }

        var guard = Start("guard", "--config", ConfigOf(node));
        Guards[node] = guard;
        return guard;
    }

    public CommandProcess Start(params string[] arguments) => StartProgram(CommandProcess.Executable, arguments);

    public CommandProcess StartProgram(string program, params string[] arguments)
    {
        var process = CommandProcess.StartProgram(program, arguments);
        _started.Add(process);
        return process;
    }

    /// <summary><c>clusterfs run</c> around a shell script, which finds its directory in $0.</summary>
    public CommandProcess Run(string node, string script) =>
        Start("run", LoopbackCluster.Service, "--config", ConfigOf(node), "--", "/bin/sh", "-c", script, Directory);

    public TestDaemon Supervise(string node)
    {
        var daemon = new TestDaemon(SocketOf(node), AllNodes, _timings);
        _started.Add(daemon);
        return daemon;
    }

    /// <summary>The first answer of a guard that is starting.</summary>
    public async Task<ProbeReply> ProbeAsync(string node)
    {
        ProbeReply? reply = null;
        _ = await Eventually.Is(
            async () =>
            {
                try
                {
                    reply = await Voters.ProbeAsync(node, new Probe(Service, Guid.NewGuid()), TimeSpan.FromSeconds(1), default);
                    return true;
                }
                catch (VoterUnreachableException)
                {
                    return false;
                }
            },
            $"voter {node} answering",
            () => Guards[node].Messages);
        return reply!;
    }

    public async Task JoinAsync(string node)
    {
        var identity = (await ProbeAsync(node)).Identity;
        _ = await Eventually.Is(
            async () => (await Voters.JoinAsync(
                node, new Join(Service, identity, Binding.None, _timings.Ttl), TimeSpan.FromSeconds(5), default)).Joined,
            $"voter {node} joining");
    }

    /// <summary>The process whose number a script wrote to a file.</summary>
    public async Task<ProcessIdentity> StartedAsync(string file, Func<string> state)
    {
        ProcessIdentity found = default;
        _ = await Eventually.Is(
            () =>
            {
                if (File.Exists(InDirectory(file))
                    && int.TryParse(File.ReadAllText(InDirectory(file)), out var id)
                    && ProcessTable.Find(id) is { } entry)
                {
                    found = entry.Identity;
                    return true;
                }

                return false;
            },
            $"a process writing {file}",
            state);
        return found;
    }

    public static bool IsAlive(ProcessIdentity process) => ProcessTable.Find(process.Id)?.Identity == process;

    public async ValueTask DisposeAsync()
    {
        foreach (var one in Enumerable.Reverse(_started))
        {
            await one.DisposeAsync();
        }

        Voters.Dispose();
        System.IO.Directory.Delete(Directory, recursive: true);
    }

    private static string AddressOf(string node) => $"127.0.0.{node[1..]}";

    private static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }

    private string SettingsOn(string node) => node == "n1" ? _more : "";

    private string Configuration(string node) => $$"""
        clusterfs {
          node { name = {{node}}, state-dir = "{{Path.Combine(Directory, node, "state")}}", socket = "{{Path.Combine(Directory, node, "clusterfs.sock")}}" }
          cluster { name = test, guard-port = {{Port}}, nodes { n1 = 127.0.0.1, n2 = 127.0.0.2, n3 = 127.0.0.3 } }
          journal { provider = sqlite, connection-string = "Data Source={{Path.Combine(Directory, "journal.db")}}" }
          shared { path = "{{Path.Combine(Directory, "shared")}}" }
          lease { ttl = {{_timings.Ttl.TotalMilliseconds}}ms, stop-budget = {{_timings.StopBudget.TotalMilliseconds}}ms }
          services.{{Service}} { live { path = "{{Path.Combine(Directory, "live")}}" }, stop-timeout = 5s, {{SettingsOn(node)}} }
        }
        """;
}
