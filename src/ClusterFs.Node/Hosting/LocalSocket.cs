using System.Net.Sockets;

namespace ClusterFs.Node.Hosting;

/// <summary>The path of the daemon's Unix socket.</summary>
internal static class LocalSocket
{
    /// <summary>Owner and group may ask; nobody else.</summary>
    public const UnixFileMode Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite;

    /// <summary>Removes the socket of a daemon that is dead.</summary>
    /// <exception cref="NodeRefusedException">Something answers there.</exception>
    public static void MakeFree(string path)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        if (!File.Exists(path))
        {
            return;
        }

        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(path));
        }
        catch (SocketException)
        {
            File.Delete(path);
            return;
        }

        throw new NodeRefusedException($"another daemon answers on {path}; stop it first, or give this node another socket");
    }
}
