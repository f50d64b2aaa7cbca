using System.IO.Hashing;
using System.Runtime.InteropServices;

namespace ClusterFs.Archive.Manifests;

/// <summary>
/// XxHash128 of pages. It is no cryptographic hash, so its seed is made up for each archive: without it nobody makes two pages that pass for
/// one.
/// </summary>
internal static class PageHash
{
    public const int Length = 16;

    private static readonly byte[] Zeros = new byte[PageMap.PageSize];

    public static UInt128 OfHole(long seed) => XxHash128.HashToUInt128(Zeros, seed);

    /// <summary>Hashes the pages of a range that begins with a page.</summary>
    public static void Of(ReadOnlySpan<byte> bytes, long seed, Span<UInt128> hashes)
    {
        for (var page = 0; page < hashes.Length; page++)
        {
            var start = page * PageMap.PageSize;
            hashes[page] = XxHash128.HashToUInt128(bytes[start..Math.Min(bytes.Length, start + PageMap.PageSize)], seed);
        }
    }

    /// <summary>The bytes of hashes, as files of this machine and the digest have them: 16 bytes each, little-endian.</summary>
    public static ReadOnlySpan<byte> Bytes(ReadOnlySpan<UInt128> hashes) => MemoryMarshal.AsBytes(hashes);
}
