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
    private const int Samples = 8;
    private const int SampleSize = 4096;
    private const int SmallestSampled = 4 * Samples * SampleSize;
    private const int LevelOfSample = 1;

    /// <summary>Of a sample, where all of it would hardly get smaller.</summary>
    private const double LeastKept = 0.96;

    private static readonly ConcurrentBag<Compressor> Compressors = [];
    private static readonly ConcurrentBag<Decompressor> Decompressors = [];

    public static int Bound(int size) => Compressor.GetCompressBound(size);

    public static int Compress(ReadOnlySpan<byte> bytes, Span<byte> frame) => Compress(bytes, frame, MachineZstd.Instance);

    /// <param name="machine">Null: by what is compiled in.</param>
    internal static int Compress(ReadOnlySpan<byte> bytes, Span<byte> frame, MachineZstd? machine) =>
        Compress(bytes, frame, machine, IsNoise(bytes, machine) ? PackFormat.LevelOfNoise : PackFormat.CompressionLevel);

    /// <summary>
    /// Whether bytes hardly get smaller, as pictures, mail with attachments and what is compressed or encrypted: to find that out, the usual level takes
    /// four times as long as there. Told by pieces from all over them.
    /// </summary>
    internal static bool IsNoise(ReadOnlySpan<byte> bytes, MachineZstd? machine)
    {
        if (bytes.Length < SmallestSampled)
        {
            return false;
        }

        Span<byte> sample = stackalloc byte[Samples * SampleSize];
        for (var i = 0; i < Samples; i++)
        {
            bytes.Slice((int)((long)(bytes.Length - SampleSize) * i / (Samples - 1)), SampleSize).CopyTo(sample[(i * SampleSize)..]);
        }

        Span<byte> frame = stackalloc byte[Bound(sample.Length)];
        return Compress(sample, frame, machine, LevelOfSample) > sample.Length * LeastKept;
    }

    internal static int Compress(ReadOnlySpan<byte> bytes, Span<byte> frame, MachineZstd? machine, int level)
    {
        if (machine is not null)
        {
            return machine.Compress(bytes, frame, level);
        }

        if (!Compressors.TryTake(out var compressor))
        {
            compressor = new Compressor();
            compressor.SetParameter(ZSTD_cParameter.ZSTD_c_checksumFlag, 1);
        }

        compressor.Level = level;
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
