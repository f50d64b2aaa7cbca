using System.Buffers.Binary;
using System.Text;
using ClusterFs.Archive.Packs;

namespace ClusterFs.Archive.Manifests;

/// <summary>Builds the bytes of a node: numbers in LEB128, strings in UTF-8 with their length before them.</summary>
internal sealed class ByteWriter
{
    private byte[] _bytes = new byte[4096];

    public int Length { get; private set; }

    public ReadOnlySpan<byte> Written => _bytes.AsSpan(0, Length);

    public void Clear() => Length = 0;

    public void Byte(byte value) => Reserve(1)[0] = value;

    public void Number(long value) => Number(checked((ulong)value));

    public void Number(ulong value)
    {
        while (value >= 0x80)
        {
            Byte((byte)(value | 0x80));
            value >>= 7;
        }

        Byte((byte)value);
    }

    public void Fixed(long value) => BinaryPrimitives.WriteInt64LittleEndian(Reserve(sizeof(long)), value);

    public void Bytes(ReadOnlySpan<byte> bytes)
    {
        Number(bytes.Length);
        Raw(bytes);
    }

    public void Raw(ReadOnlySpan<byte> bytes) => bytes.CopyTo(Reserve(bytes.Length));

    public void Text(ReadOnlySpan<char> text)
    {
        var length = Encoding.UTF8.GetByteCount(text);
        Number(length);
        Encoding.UTF8.GetBytes(text, Reserve(length));
    }

    public void Digest(Digest digest) => digest.Write(Reserve(Packs.Digest.Length));

    public void Pack(PackId pack) => pack.Write(Reserve(PackId.Length));

    private Span<byte> Reserve(int count)
    {
        if (_bytes.Length - Length < count)
        {
            Array.Resize(ref _bytes, Math.Max(2 * _bytes.Length, Length + count));
        }

        Length += count;
        return _bytes.AsSpan(Length - count, count);
    }
}
