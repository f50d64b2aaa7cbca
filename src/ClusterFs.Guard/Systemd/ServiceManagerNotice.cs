using System.Net.Sockets;
using System.Text;

namespace ClusterFs.Guard.Systemd;

/// <summary>Tells the service manager (systemd, Type=notify) how far this process is.</summary>
public static class ServiceManagerNotice
{
    /// <summary>Whoever waits for this process may go on.</summary>
    public static void Ready() => Send("READY=1");

    /// <summary>This process is on its way out.</summary>
    public static void Stopping() => Send("STOPPING=1");

    /// <summary>A word for <c>systemctl status</c>.</summary>
    public static void Status(string text) => Send($"STATUS={text}");

    /// <summary>This process works, as far as it can tell; said at least once per <see cref="WatchdogInterval"/>.</summary>
    public static void Alive() => Send("WATCHDOG=1");

    /// <summary>How long this process may stay silent before the service manager kills it; null when it does not watch.</summary>
    public static TimeSpan? WatchdogInterval =>
        long.TryParse(Environment.GetEnvironmentVariable("WATCHDOG_USEC"), out var microseconds) && microseconds > 0
        && (Environment.GetEnvironmentVariable("WATCHDOG_PID") is not { Length: > 0 } process
            || process == Environment.ProcessId.ToString(System.Globalization.CultureInfo.InvariantCulture))
            ? TimeSpan.FromMicroseconds(microseconds)
            : null;

    /// <summary>Asks the service manager for another patience than it was configured with.</summary>
    public static void SetWatchdogInterval(TimeSpan interval) =>
        Send(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"WATCHDOG_USEC={(long)interval.TotalMicroseconds}"));

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
