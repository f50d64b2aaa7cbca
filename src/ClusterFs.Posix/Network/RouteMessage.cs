using System.Runtime.InteropServices;

namespace ClusterFs.Posix.Network;

/// <summary>A message of rtnetlink in the making: its header, a fixed body, attributes.</summary>
internal sealed class RouteMessage
{
    public const int HeaderLength = 16;
    private const int Alignment = 4;

    private readonly List<byte> _bytes = [];

    public RouteMessage(ushort type, ushort flags, ReadOnlySpan<byte> body)
    {
        Span<byte> header = stackalloc byte[HeaderLength];
        header.Clear();
        MemoryMarshal.Write(header[4..], type);
        MemoryMarshal.Write(header[6..], flags);
        _bytes.AddRange(header);
        _bytes.AddRange(body);
    }

    public RouteMessage With(ushort attribute, ReadOnlySpan<byte> value)
    {
        Span<byte> header = stackalloc byte[4];
        MemoryMarshal.Write(header, (ushort)(header.Length + value.Length));
        MemoryMarshal.Write(header[2..], attribute);
        _bytes.AddRange(header);
        _bytes.AddRange(value);
        while (_bytes.Count % Alignment != 0)
        {
            _bytes.Add(0);
        }

        return this;
    }

    public byte[] ToArray()
    {
        var bytes = _bytes.ToArray();
        MemoryMarshal.Write(bytes, (uint)bytes.Length);
        return bytes;
    }

    /// <summary>The attributes behind a message's body.</summary>
    public static Dictionary<int, byte[]> ReadAttributes(ReadOnlySpan<byte> rest)
    {
        var found = new Dictionary<int, byte[]>();
        while (rest.Length >= 4)
        {
            int length = MemoryMarshal.Read<ushort>(rest);
            if (length < 4 || length > rest.Length)
            {
                break;
            }

            found[MemoryMarshal.Read<ushort>(rest[2..]) & 0x3fff] = rest[4..length].ToArray();
            rest = rest[Math.Min(Aligned(length), rest.Length)..];
        }

        return found;
    }

    public static int Aligned(int length) => (length + Alignment - 1) / Alignment * Alignment;
}
