using System.Buffers.Binary;
using System.Text;
using ClusterFs.Archive.Packs;

namespace ClusterFs.Archive.Manifests;

/// <summary>Reads what <see cref="ByteWriter"/> wrote.</summary>
/// <exception cref="FormatException">From every method: the bytes end too early or make no sense.</exception>
internal ref struct ByteReader(ReadOnlySpan<byte> bytes)
{
    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);
    private ReadOnlySpan<byte> _left = bytes;

    public readonly bool AtEnd => _left.IsEmpty;

    public byte Byte() => Take(1)[0];

    public ulong Number()
    {
        var value = 0UL;
        for (var shift = 0; shift < 64; shift += 7)
        {
            var part = Byte();
            value |= (ulong)(part & 0x7F) << shift;
            if (part < 0x80)
            {
                return shift == 63 && part > 1 ? throw new FormatException("a number is too large") : value;
            }
        }

        throw new FormatException("a number is too long");
    }

    public long Long() => Number() is <= long.MaxValue and var value ? (long)value : throw new FormatException("a number is too large");

    public int Int() => Number() is <= int.MaxValue and var value ? (int)value : throw new FormatException("a number is too large");

    public uint Word() => Number() is <= uint.MaxValue and var value ? (uint)value : throw new FormatException("a number is too large");

    public long Fixed() => BinaryPrimitives.ReadInt64LittleEndian(Take(sizeof(long)));

    public ReadOnlySpan<byte> Bytes() => Take(Int());

    public string Text()
    {
        try
        {
            return Strict.GetString(Bytes());
        }
        catch (ArgumentException error)
        {
            throw new FormatException("a text is not UTF-8", error);
        }
    }

    public Digest Digest() => Packs.Digest.Read(Take(Packs.Digest.Length));

    public PackId Pack() => PackId.Read(Take(PackId.Length));

    private ReadOnlySpan<byte> Take(int count)
    {
        if (count > _left.Length)
        {
            throw new FormatException("the bytes end too early");
        }

        var taken = _left[..count];
        _left = _left[count..];
        return taken;
    }
}
