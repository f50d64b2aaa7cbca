using System.Buffers.Binary;

namespace ClusterFs.Archive.Packs;

/// <summary>
/// Constants of the pack files. A pack is a header, blocks (zstd frames), the frame of the table of blocks, and a trailer that points at it.
/// </summary>
internal static class PackFormat
{
    public const int NonceLength = 32;

    /// <summary>What this writer puts into a block: large enough to compress well, small enough to read for the sake of one page.</summary>
    public const int BlockSize = 1 << 20;

    /// <summary>What a reader accepts; a later writer may cut larger blocks than this one.</summary>
    public const int MaxBlockSize = 64 << 20;
    public const int MaxBlockLength = MaxBlockSize + (1 << 20);
    public const int MaxTableSize = 1 << 30;

    /// <summary>Offset, length, size (64 bits each, little-endian) and SHA-256 of the table of blocks, and eight bytes of magic.</summary>
    public const int TrailerLength = (3 * sizeof(long)) + 32 + 8;

    public const int RowLength = 48;

    /// <summary>Of zstd.</summary>
    public const int CompressionLevel = 3;

    /// <summary>Of zstd, for what hardly gets smaller.</summary>
    public const int LevelOfNoise = -5;

    public static ReadOnlySpan<byte> Header => "ClusterFs pack 2"u8;

    /// <summary>Of an encrypted pack; the number of its key follows, 64 bits, little-endian.</summary>
    public static ReadOnlySpan<byte> EncryptedHeader => "ClusterFs packE2"u8;

    public static ReadOnlySpan<byte> TrailerMagic => "CFSPEND2"u8;
}

/// <summary>A row of a pack's table of blocks.</summary>
/// <param name="Offset">First byte of the zstd frame in the pack.</param>
/// <param name="Length">Bytes of the frame.</param>
/// <param name="Size">Bytes it decompresses to.</param>
/// <param name="Sha256">Of the frame.</param>
internal readonly record struct BlockRow(long Offset, int Length, int Size, Digest Sha256)
{
    public static BlockRow Read(ReadOnlySpan<byte> row) => new(
        BinaryPrimitives.ReadInt64LittleEndian(row),
        BinaryPrimitives.ReadInt32LittleEndian(row[8..]),
        BinaryPrimitives.ReadInt32LittleEndian(row[12..]),
        Digest.Read(row[16..]));

    public void Write(Span<byte> row)
    {
        BinaryPrimitives.WriteInt64LittleEndian(row, Offset);
        BinaryPrimitives.WriteInt32LittleEndian(row[8..], Length);
        BinaryPrimitives.WriteInt32LittleEndian(row[12..], Size);
        Sha256.Write(row[16..]);
    }
}
