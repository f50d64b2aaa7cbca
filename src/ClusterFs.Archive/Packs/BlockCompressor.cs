using System.Collections.Concurrent;
using ZstdSharp;
using ZstdSharp.Unsafe;

namespace ClusterFs.Archive.Packs;

/// <summary>Compressors and decompressors for use by several threads: each call borrows one.</summary>
internal static class BlockCompressor
{
    private static readonly ConcurrentBag<Compressor> Compressors = [];
    private static readonly ConcurrentBag<Decompressor> Decompressors = [];

    public static int Bound(int size) => Compressor.GetCompressBound(size);

    public static int Compress(ReadOnlySpan<byte> bytes, Span<byte> frame)
    {
        if (!Compressors.TryTake(out var compressor))
        {
            compressor = new Compressor(PackFormat.CompressionLevel);
            compressor.SetParameter(ZSTD_cParameter.ZSTD_c_checksumFlag, 1);
        }

        var length = compressor.Wrap(bytes, frame);
        Compressors.Add(compressor);
        return length;
    }

    /// <exception cref="ZstdException">The frame is not one, or larger than said.</exception>
    public static int Decompress(ReadOnlySpan<byte> frame, Span<byte> target)
    {
        if (!Decompressors.TryTake(out var decompressor))
        {
            decompressor = new Decompressor();
        }

        var size = decompressor.Unwrap(frame, target);
        Decompressors.Add(decompressor);
        return size;
    }
}
