using System.Net.Sockets;
using System.Text;

namespace ClusterFs.Guard;

/// <summary>Tells the service manager (systemd, Type=notify) how far this process is.</summary>
public static class ServiceManagerNotice
{
    /// <summary>Whoever waits for this process may go on.</summary>
    public static void Ready() => Send("READY=1");

    /// <summary>This process is on its way out.</summary>
    public static void Stopping() => Send("STOPPING=1");

    /// <summary>A word for <c>systemctl status</c>.</summary>
    public static void Status(string text) => Send($"STATUS={text}");

    private static void Send(string notice)
    {
        if (Environment.GetEnvironmentVariable("NOTIFY_SOCKET") is not { Length: > 1 } path)
        {
            return;
        }

        try
        {
            // A leading @ stands for the abstract name space, whose names begin with a zero byte.
            using var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
            socket.Connect(new UnixDomainSocketEndPoint(path[0] == '@' ? $"\0{path[1..]}" : path));
            _ = socket.Send(Encoding.UTF8.GetBytes(notice));
        }
        catch (SocketException)
        {
            // A manager that does not listen is no reason not to work.
        }
    }
}
