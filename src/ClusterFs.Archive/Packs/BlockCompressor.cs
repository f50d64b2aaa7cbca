using System.Collections.Concurrent;
using ZstdSharp;
using ZstdSharp.Unsafe;

namespace ClusterFs.Archive.Packs;

/// <summary>
/// Compresses and decompresses blocks, by the machine's own zstd where it has one and by the one compiled in otherwise. For use by several threads:
/// each call borrows a compressor or decompressor.
/// </summary>
internal static class BlockCompressor
{
    private static readonly ConcurrentBag<Compressor> Compressors = [];
    private static readonly ConcurrentBag<Decompressor> Decompressors = [];

    public static int Bound(int size) => Compressor.GetCompressBound(size);

    public static int Compress(ReadOnlySpan<byte> bytes, Span<byte> frame) => Compress(bytes, frame, MachineZstd.Instance);

    /// <param name="machine">Null: by what is compiled in.</param>
    internal static int Compress(ReadOnlySpan<byte> bytes, Span<byte> frame, MachineZstd? machine)
    {
        if (machine is not null)
        {
            return machine.Compress(bytes, frame, PackFormat.CompressionLevel);
        }

        if (!Compressors.TryTake(out var compressor))
        {
            compressor = new Compressor(PackFormat.CompressionLevel);
            compressor.SetParameter(ZSTD_cParameter.ZSTD_c_checksumFlag, 1);
        }

        var length = compressor.Wrap(bytes, frame);
        Compressors.Add(compressor);
        return length;
    }

    /// <exception cref="InvalidDataException">The frame is not one, or larger than said.</exception>
    public static int Decompress(ReadOnlySpan<byte> frame, Span<byte> target) => Decompress(frame, target, MachineZstd.Instance);

    /// <inheritdoc cref="Decompress(ReadOnlySpan{byte}, Span{byte})"/>
    internal static int Decompress(ReadOnlySpan<byte> frame, Span<byte> target, MachineZstd? machine)
    {
        if (machine is not null)
        {
            return machine.Decompress(frame, target);
        }

        if (!Decompressors.TryTake(out var decompressor))
        {
            decompressor = new Decompressor();
        }

        try
        {
            return decompressor.Unwrap(frame, target);
        }
        catch (ZstdException error)
        {
            throw new InvalidDataException(error.Message, error);
        }
        finally
        {
            Decompressors.Add(decompressor);
        }
    }
}
