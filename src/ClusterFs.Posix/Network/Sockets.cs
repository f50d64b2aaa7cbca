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
    private const short Readable = 1;
    private const int SocketLevel = 1;
    private const int AttachFilter = 26;
    private const ushort LoadByte = 0x30;
    private const ushort JumpIfEqual = 0x15;
    private const ushort Return = 0x06;

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

    /// <summary>What comes from now on, of the kind and link that the place names.</summary>
    /// <exception cref="PosixException">The kernel refuses.</exception>
    public static void Bind(SafeFileHandle socket, ReadOnlySpan<byte> place, string call, string subject)
    {
        fixed (byte* address = place)
        {
            if (BindTo(socket, address, (uint)place.Length) < 0)
            {
                throw PosixException.Last(call, subject);
            }
        }
    }

    /// <summary>Only packets with these bytes at these places come through (classic BPF).</summary>
    /// <exception cref="PosixException">The kernel refuses.</exception>
    public static void Filter(SafeFileHandle socket, params ReadOnlySpan<(int At, byte Value)> bytes)
    {
        var program = new FilterStep[(bytes.Length * 2) + 2];
        for (var i = 0; i < bytes.Length; i++)
        {
            program[i * 2] = new FilterStep(LoadByte, 0, 0, (uint)bytes[i].At);
            program[(i * 2) + 1] = new FilterStep(JumpIfEqual, 0, (byte)(program.Length - (i * 2) - 3), bytes[i].Value);
        }

        program[^2] = new FilterStep(Return, 0, 0, uint.MaxValue);
        program[^1] = new FilterStep(Return, 0, 0, 0);
        fixed (FilterStep* first = program)
        {
            var whole = new FilterProgram((ushort)program.Length, first);
            if (SetOption(socket, SocketLevel, AttachFilter, &whole, (uint)sizeof(FilterProgram)) < 0)
            {
                throw PosixException.Last("filter", "packet");
            }
        }
    }

    /// <summary>Waits until something can be read, or the time is over.</summary>
    /// <returns>Those that have something; none when the time is over.</returns>
    /// <exception cref="PosixException">The kernel refuses.</exception>
    public static IReadOnlyList<SafeFileHandle> WaitReadable(IReadOnlyList<SafeFileHandle> sockets, TimeSpan patience)
    {
        var waits = stackalloc Wait[sockets.Count];
        for (var i = 0; i < sockets.Count; i++)
        {
            waits[i] = new Wait((int)sockets[i].DangerousGetHandle(), Readable, 0);
        }

        var ready = Poll(waits, (nuint)sockets.Count, (int)Math.Ceiling(patience.TotalMilliseconds));
        if (ready < 0 && Marshal.GetLastPInvokeError() != Interrupted)
        {
            throw PosixException.Last("poll", "sockets");
        }

        var found = new List<SafeFileHandle>();
        for (var i = 0; ready > 0 && i < sockets.Count; i++)
        {
            if (waits[i].Found != 0)
            {
                found.Add(sockets[i]);
            }
        }

        return found;
    }

    [LibraryImport(Library, EntryPoint = "bind", SetLastError = true)]
    private static partial int BindTo(SafeFileHandle socket, byte* address, uint length);

    [LibraryImport(Library, EntryPoint = "setsockopt", SetLastError = true)]
    private static partial int SetOption(SafeFileHandle socket, int level, int option, void* value, uint length);

    [LibraryImport(Library, EntryPoint = "poll", SetLastError = true)]
    private static partial int Poll(Wait* waits, nuint count, int milliseconds);

    [LibraryImport(Library, EntryPoint = "socket", SetLastError = true)]
    private static partial int OpenSocket(int family, int type, int protocol);

    [LibraryImport(Library, EntryPoint = "sendto", SetLastError = true)]
    private static partial nint SendTo(SafeFileHandle socket, byte* bytes, nuint length, int flags, byte* to, uint toLength);

    [LibraryImport(Library, EntryPoint = "recv", SetLastError = true)]
    private static partial nint ReceiveFrom(SafeFileHandle socket, byte* bytes, nuint length, int flags);

    private struct Wait(int descriptor, short wanted, short found)
    {
        public readonly int Descriptor = descriptor;
        public readonly short Wanted = wanted;
        public short Found = found;
    }

    private readonly struct FilterStep(ushort code, byte ifTrue, byte ifFalse, uint value)
    {
        public readonly ushort Code = code;
        public readonly byte IfTrue = ifTrue;
        public readonly byte IfFalse = ifFalse;
        public readonly uint Value = value;
    }

    private readonly struct FilterProgram(ushort length, FilterStep* first)
    {
        public readonly ushort Length = length;
        public readonly FilterStep* First = first;
    }
}
