using System.Globalization;
using ClusterFs.Posix;

namespace ClusterFs.Archive.Tests.Capture;

/// <summary>A PostgreSQL server of its own, run by the user postgres where the test runs as root: it refuses to be root's.</summary>
internal sealed class PostgresServer : IDisposable
{
    private const string Installations = "/usr/lib/postgresql";
    private readonly Child _server;
    private readonly string _socket;

    /// <param name="data">Initialised, or restored.</param>
    /// <param name="socket">A directory for its socket, made here.</param>
    public PostgresServer(string data, string socket)
    {
        _socket = socket;
        Directory.CreateDirectory(socket);
        Give(socket);
        _server = Child.Of(
            "sh", ["-c", "exec \"$@\" 2>>\"$0\"", $"{socket}.log", .. As("postgres", "-D", data, "-k", socket, "-c", "listen_addresses=")]);
        Await.That(() => Programs.Try(Program("pg_isready"), "-q", "-h", socket, "-U", "postgres").Code == 0, $"PostgreSQL answers; see {socket}.log");
    }

    public static string? Missing =>
        Find() is null ? $"PostgreSQL is not installed: no initdb under {Installations} (Debian: apt-get install postgresql)"
        : Processes.IsRoot && !Programs.IsInstalled("setpriv") ? "setpriv is not installed (Debian: apt-get install util-linux)"
        : null;

    /// <summary>A shell command that copies the running server, by its own user.</summary>
    public string BaseBackup => string.Join(' ', As("pg_basebackup", "-h", _socket, "-U", "postgres", "-D", "\"$CLUSTERFS_TARGET\"", "--checkpoint=fast", "--no-sync"));

    /// <summary>A shell command that looks at a restored base backup, by the server's user.</summary>
    public static string VerifyBackup => string.Join(' ', As("pg_verifybackup", "--no-parse-wal", "\"$CLUSTERFS_RESTORED\""));

    /// <param name="data">Does not exist yet, or is empty.</param>
    public static void Initialise(string data)
    {
        Directory.CreateDirectory(data);
        Give(data);
        string[] words = [.. As("initdb", "-D", data, "-U", "postgres", "-A", "trust", "--no-sync")];
        Programs.Run(words[0], words[1..]);
    }

    /// <summary>A client that executes what it is told line by line and prints what comes of it.</summary>
    public Child Client() => Child.Of(Program("psql"), "-h", _socket, "-U", "postgres", "-d", "postgres", "-AtqX");

    public string Ask(string sql) => Programs.Run(Program("psql"), "-h", _socket, "-U", "postgres", "-d", "postgres", "-AtqX", "-c", sql).Trim();

    public long Count(string sql) => long.Parse(Ask(sql), CultureInfo.InvariantCulture);

    /// <summary>Ends it in order.</summary>
    public void Stop()
    {
        Processes.Signal(_server.Id, Processes.SignalInterrupt);
        _server.Wait();
    }

    public void Dispose()
    {
        // Killed alone, it would leave its children behind for a while.
        if (_server.IsRunning)
        {
            Stop();
        }

        _server.Dispose();
    }

    private static string? Find() => Directory.Exists(Installations)
        ? Directory.EnumerateDirectories(Installations)
            .Select(version => Path.Combine(version, "bin"))
            .Where(programs => File.Exists(Path.Combine(programs, "initdb")))
            .OrderDescending()
            .FirstOrDefault()
        : null;

    private static string Program(string name) => Path.Combine(Find()!, name);

    private static IEnumerable<string> As(string program, params string[] arguments) => Processes.IsRoot
        ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", Program(program), .. arguments]
        : [Program(program), .. arguments];

    private static void Give(string directory)
    {
        if (Processes.IsRoot)
        {
            Programs.Run("chown", "postgres:postgres", directory);
        }

        File.SetUnixFileMode(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }
}
