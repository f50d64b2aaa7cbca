using System.Net.Sockets;
using System.Text;

namespace ClusterFs.Archive.Tests.Capture;

/// <summary>A redis-server of its own that writes its data only when it is told to.</summary>
internal sealed class RedisServer : IDisposable
{
    private readonly Child _server;

    /// <param name="data">Where its dump.rdb lies.</param>
    /// <param name="socket">Where it answers.</param>
    public RedisServer(string data, string socket)
    {
        Socket = socket;
        _server = Child.Of(
            "redis-server", "--port", "0", "--unixsocket", socket, "--dir", data, "--save", "", "--appendonly", "no", "--daemonize", "no", "--logfile", $"{socket}.log");
        Await.That(() => File.Exists(socket) && TryAsk("PING") == "+PONG", "redis-server answers");
    }

    public static string? Missing => Programs.IsInstalled("redis-server") ? null : "redis-server is not installed (Debian: apt-get install redis-server)";

    public string Socket { get; }

    public RedisClient Connect() => new(Socket);

    public string Ask(string command)
    {
        using var client = Connect();
        return client.Ask(command);
    }

    public void Dispose() => _server.Dispose();

    private string? TryAsk(string command)
    {
        try
        {
            return Ask(command);
        }
        catch (Exception error) when (error is SocketException or IOException)
        {
            return null;
        }
    }
}

/// <summary>One connection to a redis-server.</summary>
internal sealed class RedisClient : IDisposable
{
    private readonly Socket _socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly StreamReader _reader;

    public RedisClient(string socket)
    {
        _socket.Connect(new UnixDomainSocketEndPoint(socket));
        _reader = new StreamReader(new NetworkStream(_socket));
    }

    /// <summary>The first line of the answer.</summary>
    public string Ask(string command)
    {
        _socket.Send(Encoding.ASCII.GetBytes(command + "\r\n"));
        return _reader.ReadLine() ?? throw new IOException("the server closed the connection");
    }

    public void Dispose()
    {
        _reader.Dispose();
        _socket.Dispose();
    }
}
