using System.Runtime.InteropServices;

namespace ClusterFs.Posix.Network;

/// <summary>What the kernel answers to one message of rtnetlink, as it comes in.</summary>
internal sealed class RouteAnswer(string call, string subject)
{
    private const ushort Failed = 2;
    private const ushort Done = 3;
    private const ushort Interrupted = 0x10;

    private readonly List<(ushort Type, ReadOnlyMemory<byte> Body)> _found = [];

    public IReadOnlyList<(ushort Type, ReadOnlyMemory<byte> Body)> Found => _found;

    /// <summary>Nothing more comes.</summary>
    public bool IsWhole { get; private set; }

    /// <summary>The table changed while it was read: something may be missing.</summary>
    public bool WasInterrupted { get; private set; }

    /// <param name="received">One packet, of one message or several.</param>
    /// <exception cref="PosixException">The kernel refuses, or what it says cannot be read.</exception>
    public void Add(ReadOnlySpan<byte> received)
    {
        while (received.Length > 0 && !IsWhole)
        {
            var length = received.Length < RouteMessage.HeaderLength ? 0 : (long)MemoryMarshal.Read<uint>(received);
            if (length < RouteMessage.HeaderLength || length > received.Length)
            {
                throw Malformed();
            }

            var type = MemoryMarshal.Read<ushort>(received[4..]);
            WasInterrupted |= (MemoryMarshal.Read<ushort>(received[6..]) & Interrupted) != 0;
            var body = received[RouteMessage.HeaderLength..(int)length];
            switch (type)
            {
                case Failed:
                    Heed(body.Length < sizeof(int) ? throw Malformed() : MemoryMarshal.Read<int>(body));
                    IsWhole = true;
                    break;
                case Done:
                    Heed(body.Length < sizeof(int) ? 0 : MemoryMarshal.Read<int>(body));
                    IsWhole = true;
                    break;
                default:
                    _found.Add((type, body.ToArray()));
                    break;
            }

            received = received[Math.Min(RouteMessage.Aligned((int)length), received.Length)..];
        }
    }

    private void Heed(int result)
    {
        if (result < 0)
        {
            throw new PosixException(call, subject, -result);
        }
    }

    private PosixException Malformed() => new(call, subject, PosixException.BadMessage);
}
