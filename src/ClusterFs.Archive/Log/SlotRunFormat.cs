using System.Buffers.Binary;
using System.Security.Cryptography;
using ClusterFs.Archive.Packs;

namespace ClusterFs.Archive.Log;

/// <summary>The records of a run, each as it stood in a file of its own.</summary>
internal sealed class SlotRun(SlotRange range, byte[] records, int[] ends)
{
    public SlotRange Range => range;

    public ReadOnlySpan<byte> Record(long slot)
    {
        var number = (int)(slot - range.First);
        var start = number == 0 ? 0 : ends[number - 1];
        return records.AsSpan(start, ends[number] - start);
    }
}

/// <summary>The bytes of a run: a header, first and last slot, the size of the records, the SHA-256 of the zstd frame that holds them, and the frame.</summary>
internal static class SlotRunFormat
{
    private const int HeadLength = 16 + (3 * sizeof(long)) + 32;
    private const int MaxSize = 256 << 20;
    private const byte LineEnd = (byte)'\n';

    private static ReadOnlySpan<byte> Header => "ClusterFs slots1"u8;

    /// <param name="records">One after the other, without gaps.</param>
    public static byte[] Write(SlotRange range, ReadOnlySpan<byte> records)
    {
        var bytes = new byte[HeadLength + BlockCompressor.Bound(records.Length)];
        var length = BlockCompressor.Compress(records, bytes.AsSpan(HeadLength));
        Header.CopyTo(bytes);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(16), range.First);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(24), range.Last);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(32), records.Length);
        SHA256.HashData(bytes.AsSpan(HeadLength, length), bytes.AsSpan(40));
        return bytes[..(HeadLength + length)];
    }

    /// <exception cref="DamagedArchiveException">The bytes are no run of these slots.</exception>
    public static SlotRun Read(string file, ReadOnlySpan<byte> bytes, SlotRange range)
    {
        if (bytes.Length < HeadLength || !bytes.StartsWith(Header))
        {
            throw new DamagedArchiveException(file, "it does not begin like a run of slots of this version");
        }

        var size = BinaryPrimitives.ReadInt64LittleEndian(bytes[32..]);
        var found = new SlotRange(BinaryPrimitives.ReadInt64LittleEndian(bytes[16..]), BinaryPrimitives.ReadInt64LittleEndian(bytes[24..]));
        if (found != range || size is < 0 or > MaxSize)
        {
            throw new DamagedArchiveException(file, $"it holds slots {found.First} to {found.Last}, {size} bytes");
        }

        var frame = bytes[HeadLength..];
        if (Digest.Of(frame) != Digest.Read(bytes[40..]))
        {
            throw new DamagedArchiveException(file, "its SHA-256 does not match");
        }

        var records = new byte[size];
        try
        {
            if (BlockCompressor.Decompress(frame, records) != size)
            {
                throw new DamagedArchiveException(file, "it is shorter than it says");
            }
        }
        catch (InvalidDataException error)
        {
            throw new DamagedArchiveException(file, $"it cannot be decompressed ({error.Message})", error);
        }

        return new SlotRun(range, records, EndsOf(file, records, range));
    }

    /// <summary>A record is two lines.</summary>
    private static int[] EndsOf(string file, ReadOnlySpan<byte> records, SlotRange range)
    {
        var ends = new int[range.Count];
        var at = 0;
        for (var i = 0; i < ends.Length; i++)
        {
            var first = records[at..].IndexOf(LineEnd);
            var second = first < 0 ? -1 : records[(at + first + 1)..].IndexOf(LineEnd);
            at = second < 0 ? throw new DamagedArchiveException(file, $"it lacks slot {range.First + i}") : at + first + second + 2;
            ends[i] = at;
        }

        return at == records.Length ? ends : throw new DamagedArchiveException(file, "more follows its last slot");
    }
}
