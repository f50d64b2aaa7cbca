using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace ClusterFs.Posix.Network;

/// <summary>
/// A conversation with the kernel about links and addresses (rtnetlink), in this thread's network namespace. The kernel answers while it is
/// asked, so nothing is waited for but its own lock. Not thread-safe.
/// </summary>
internal sealed class RouteSocket : IDisposable
{
    public const ushort Request = 0x1;
    public const ushort Acknowledge = 0x4;
    public const ushort Replace = 0x100;
    public const ushort Create = 0x400;
    public const ushort Dump = 0x300;

    private const ushort Failed = 2;
    private const ushort Done = 3;
    private const int Longest = 1 << 16;

    private readonly SafeFileHandle _socket;

    /// <exception cref="PosixException">The kernel refuses.</exception>
    public RouteSocket() => _socket = Sockets.Open(Sockets.Netlink, Sockets.Raw, Sockets.NetlinkRoute, "netlink");

    public void Dispose() => _socket.Dispose();

    /// <summary>Has something changed.</summary>
    /// <exception cref="PosixException">The kernel refuses; its error is of the request.</exception>
    public void Change(RouteMessage message, string call, string subject) => Converse(message, call, subject, (_, _) => { });

    /// <summary>Asks for everything of a kind.</summary>
    /// <exception cref="PosixException">The kernel refuses.</exception>
    public void Read(RouteMessage message, string call, Action<ushort, ReadOnlyMemory<byte>> found) => Converse(message, call, "", found);

    private void Converse(RouteMessage message, string call, string subject, Action<ushort, ReadOnlyMemory<byte>> found)
    {
        Sockets.Send(_socket, message.ToArray(), call, subject);
        var buffer = new byte[Longest];
        while (true)
        {
            var rest = buffer.AsMemory(0, Sockets.Receive(_socket, buffer, call, subject));
            while (rest.Length >= RouteMessage.HeaderLength)
            {
                var length = (int)MemoryMarshal.Read<uint>(rest.Span);
                if (length < RouteMessage.HeaderLength || length > rest.Length)
                {
                    return;
                }

                var type = MemoryMarshal.Read<ushort>(rest.Span[4..]);
                var body = rest[RouteMessage.HeaderLength..length];
                switch (type)
                {
                    case Done:
                        return;
                    case Failed:
                        var error = -MemoryMarshal.Read<int>(body.Span);
                        if (error != 0)
                        {
                            throw new PosixException(call, subject, error);
                        }

                        return;
                    default:
                        found(type, body);
                        break;
                }

                rest = rest[Math.Min(RouteMessage.Aligned(length), rest.Length)..];
            }
        }
    }
}
