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

    private const int Longest = 1 << 16;
    private const int Attempts = 20;

    private readonly SafeFileHandle _socket;

    /// <exception cref="PosixException">The kernel refuses.</exception>
    public RouteSocket() => _socket = Sockets.Open(Sockets.Netlink, Sockets.Raw, Sockets.NetlinkRoute, "netlink");

    public void Dispose() => _socket.Dispose();

    /// <summary>Has something changed.</summary>
    /// <exception cref="PosixException">The kernel refuses; its error is of the request.</exception>
    public void Change(RouteMessage message, string call, string subject) => _ = Converse(message, call, subject);

    /// <summary>Asks for everything of a kind.</summary>
    /// <exception cref="PosixException">The kernel refuses, or it changes as fast as it is read.</exception>
    public IReadOnlyList<(ushort Type, ReadOnlyMemory<byte> Body)> Read(RouteMessage message, string call)
    {
        for (var attempt = 1; attempt <= Attempts; attempt++)
        {
            if (Converse(message, call, "") is { WasInterrupted: false } answer)
            {
                return answer.Found;
            }
        }

        throw new PosixException(call, "", PosixException.Again);
    }

    private RouteAnswer Converse(RouteMessage message, string call, string subject)
    {
        Sockets.Send(_socket, message.ToArray(), call, subject);
        var answer = new RouteAnswer(call, subject);
        var buffer = new byte[Longest];
        do
        {
            answer.Add(buffer.AsSpan(0, Sockets.Receive(_socket, buffer, call, subject)));
        }
        while (!answer.IsWhole);
        return answer;
    }
}
