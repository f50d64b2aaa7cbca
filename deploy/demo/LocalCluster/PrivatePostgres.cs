using System.Globalization;
using ClusterFs.Demo.Layout;
using ClusterFs.Demo.Processes;

namespace ClusterFs.Demo;

/// <summary>A PostgreSQL server for one cluster alone, from the distribution's package.</summary>
public sealed class PrivatePostgres
{
    private const string Installations = "/usr/lib/postgresql";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly string _directory;
    private readonly string _address;
    private readonly int _port;
    private readonly IReadOnlyList<string> _enter;
    private readonly IReadOnlyDictionary<string, string> _environment;
    private LaunchedProcess? _server;

    internal PrivatePostgres(
        string directory, string address, int port, IReadOnlyList<string> enter, IReadOnlyDictionary<string, string> environment)
    {
        _directory = directory;
        _address = address;
        _port = port;
        _enter = enter;
        _environment = environment;
    }

    /// <summary>Null where PostgreSQL is installed, otherwise why it cannot be used.</summary>
    public static string? Missing => Programs is null ? $"PostgreSQL is not installed: no initdb under {Installations}" : null;

    public string ConnectionString =>
        string.Create(CultureInfo.InvariantCulture, $"Host={_address};Port={_port};Database=postgres;Username=postgres;Timeout=3");

    /// <summary>The directory of the newest version's programs; null where none is installed.</summary>
    public static string? Programs =>
        Directory.Exists(Installations)
            ? Directory.EnumerateDirectories(Installations)
                .Select(version => Path.Combine(version, "bin"))
                .Where(programs => File.Exists(Path.Combine(programs, "initdb")))
                .OrderDescending()
                .FirstOrDefault()
            : null;

    /// <summary>For programs of this machine, whatever becomes of the server's network.</summary>
    public string LocalConnectionString =>
        string.Create(CultureInfo.InvariantCulture, $"Host={_directory};Port={_port};Database=postgres;Username=postgres;Timeout=3");

    private string Data => Path.Combine(_directory, "data");

    /// <summary>A server that belongs to no cluster, running. Whoever starts it stops it.</summary>
    public static async Task<PrivatePostgres> StartNew(string directory)
    {
        var loopback = Loopback.Choose(prefix: null, nodes: 1);
        var server = new PrivatePostgres(directory, loopback.AddressOf(1), loopback.Ports.Database, [], new Dictionary<string, string>());
        await server.Initialise();
        await server.Start();
        return server;
    }

    public async Task Start()
    {
        _server = LaunchedProcess.Start(
            "postgres",
            Path.Combine(_directory, "postgres.log"),
            _directory,
            _environment,
            [.. _enter, .. AsServerUser("postgres", "-D", Data, "-k", _directory, "-h", _address, "-p", $"{_port}")]);
        await Eventually.Get(
            "PostgreSQL answers",
            Patience,
            async () =>
            {
                string[] question = [Program("pg_isready"), "-U", "postgres", "-h", _directory, "-p", $"{_port}"];
                return (await Command.Run(question, _environment, Patience)).ExitCode == 0 ? this : null;
            },
            () => LogTail.Of(Path.Combine(_directory, "postgres.log")));
    }

    /// <summary>Stops the server at once: its clients' connections break.</summary>
    public async Task Stop()
    {
        if (_server is { } server)
        {
            server.Signal(Posix.Processes.SignalInterrupt);
            await server.UntilExit(Patience);
        }
    }

    internal async Task Initialise()
    {
        Directory.CreateDirectory(_directory);
        if (Posix.Processes.IsRoot)
        {
            (await Command.Run(["chown", "postgres", _directory], _environment, Patience)).Successful();
        }

        (await Command.Run(AsServerUser("initdb", "-D", Data, "-U", "postgres", "-A", "trust"), _environment, Patience)).Successful();
        // The nodes may have addresses of their own; nobody else reaches the one that the server listens on.
        await File.AppendAllTextAsync(Path.Combine(Data, "pg_hba.conf"), $"host all all samenet trust{Environment.NewLine}");
    }

    private static string Program(string name) => Path.Combine(Programs ?? throw new ConditionNotMetException(Missing!), name);

    /// <summary>The server refuses to run as root.</summary>
    private static IReadOnlyList<string> AsServerUser(string program, params string[] arguments) => Posix.Processes.IsRoot
        ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", Program(program), .. arguments]
        : [Program(program), .. arguments];
}
