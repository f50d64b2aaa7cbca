namespace ClusterFs.Archive.Packs;

/// <summary>Constants of the pack files. A pack is a header, zstd frames, the frame of a manifest, and a trailer that points at it.</summary>
internal static class PackFormat
{
    public const int NonceLength = 32;
    public const int ExtentSize = 4 << 20;

    /// <summary>What a reader accepts; a later writer may cut larger extents than this one.</summary>
    public const int MaxExtentSize = 64 << 20;
    public const int MaxExtentLength = MaxExtentSize + (1 << 20);
    public const long MaxManifestSize = 1 << 30;

    /// <summary>Offset, length, size (64 bits each, little-endian) and SHA-256 of the manifest, and eight bytes of magic.</summary>
    public const int TrailerLength = (3 * sizeof(long)) + 32 + 8;

    public const int CompressionLevel = 1;

    public static ReadOnlySpan<byte> Header => "ClusterFs pack 1"u8;

    public static ReadOnlySpan<byte> TrailerMagic => "CFSPEND1"u8;
}
