using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace ClusterFs.Posix.Network;

/// <summary>The kinds of socket that .NET does not offer.</summary>
internal static unsafe partial class Sockets
{
    public const int Netlink = 16;
    public const int Packet = 17;
    public const int Raw = 3;
    public const int NetlinkRoute = 0;
    public const int CloseOnExec = 0x80000;

    private const string Library = "libc";
    private const int Interrupted = 4;

    /// <exception cref="PosixException">The kernel refuses.</exception>
    public static SafeFileHandle Open(int family, int type, int protocol, string what)
    {
        var descriptor = OpenSocket(family, type | CloseOnExec, protocol);
        return descriptor < 0 ? throw PosixException.Last("socket", what) : new SafeFileHandle(descriptor, ownsHandle: true);
    }

    /// <exception cref="PosixException">The kernel refuses.</exception>
    public static void Send(SafeFileHandle socket, ReadOnlySpan<byte> bytes, string call, string subject, ReadOnlySpan<byte> to = default)
    {
        fixed (byte* first = bytes)
        fixed (byte* address = to)
        {
            while (SendTo(socket, first, (nuint)bytes.Length, 0, address, (uint)to.Length) < 0)
            {
                if (Marshal.GetLastPInvokeError() != Interrupted)
                {
                    throw PosixException.Last(call, subject);
                }
            }
        }
    }

    /// <exception cref="PosixException">The kernel refuses.</exception>
    public static int Receive(SafeFileHandle socket, Span<byte> buffer, string call, string subject)
    {
        fixed (byte* first = buffer)
        {
            while (true)
            {
                var received = ReceiveFrom(socket, first, (nuint)buffer.Length, 0);
                if (received > 0)
                {
                    return (int)received;
                }

                if (received == 0 || Marshal.GetLastPInvokeError() != Interrupted)
                {
                    throw PosixException.Last(call, subject);
                }
            }
        }
    }

    [LibraryImport(Library, EntryPoint = "socket", SetLastError = true)]
    private static partial int OpenSocket(int family, int type, int protocol);

    [LibraryImport(Library, EntryPoint = "sendto", SetLastError = true)]
    private static partial nint SendTo(SafeFileHandle socket, byte* bytes, nuint length, int flags, byte* to, uint toLength);

    [LibraryImport(Library, EntryPoint = "recv", SetLastError = true)]
    private static partial nint ReceiveFrom(SafeFileHandle socket, byte* bytes, nuint length, int flags);
}
