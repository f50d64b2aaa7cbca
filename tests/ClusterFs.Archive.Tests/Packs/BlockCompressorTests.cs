using System.Text;
using ClusterFs.Archive.Packs;

namespace ClusterFs.Archive.Tests.Packs;

/// <summary>Two zstd: the machine's, where it has one, and the one compiled in. An archive may be written by one and read by the other.</summary>
public sealed class BlockCompressorTests
{
    private static readonly byte[] Bytes = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, 20_000).Select(i => $"line {i % 977}\n")));

    [SkippableTheory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public void What_one_compressed_the_other_decompresses(bool writtenByMachine, bool readByMachine)
    {
        Skip.If((writtenByMachine || readByMachine) && MachineZstd.Instance is null, "libzstd.so.1 is not installed");
        foreach (var bytes in new[] { Bytes, [], [7] })
        {
            var frame = Frame(bytes, writtenByMachine);
            var target = new byte[bytes.Length];
            Assert.Equal(bytes.Length, BlockCompressor.Decompress(frame, target, Of(readByMachine)));
            Assert.Equal(bytes, target);
        }
    }

    [SkippableTheory]
    [InlineData(true)]
    [InlineData(false)]
    public void What_is_no_frame_or_too_large_is_refused_and_the_next_frame_is_not(bool byMachine)
    {
        Skip.If(byMachine && MachineZstd.Instance is null, "libzstd.so.1 is not installed");
        var frame = Frame(Bytes, byMachine);
        var target = new byte[Bytes.Length];
        var damaged = frame.ToArray();
        damaged[^1] ^= 1;

        Assert.Throws<InvalidDataException>(() => BlockCompressor.Decompress(damaged, target, Of(byMachine)));
        Assert.Throws<InvalidDataException>(() => BlockCompressor.Decompress(Bytes, target, Of(byMachine)));
        Assert.Throws<InvalidDataException>(() => BlockCompressor.Decompress(frame, target.AsSpan(1), Of(byMachine)));
        Assert.Equal(Bytes.Length, BlockCompressor.Decompress(frame, target, Of(byMachine)));
        Assert.Equal(Bytes, target);
    }

    /// <summary>Random bytes with so many of zeros after every few.</summary>
    [SkippableTheory]
    [InlineData(true, 12, true)]
    [InlineData(false, 12, true)]
    [InlineData(true, 100, false)]
    [InlineData(false, 100, false)]
    public void What_hardly_gets_smaller_is_noticed_and_what_does_is_compressed_as_usual(bool byMachine, int zeros, bool noise)
    {
        Skip.If(byMachine && MachineZstd.Instance is null, "libzstd.so.1 is not installed");
        var bytes = new byte[PackFormat.BlockSize];
        var random = new Random(3);
        for (var at = 0; at < bytes.Length; at += 1000)
        {
            random.NextBytes(bytes.AsSpan(at, Math.Min(1000 - zeros, bytes.Length - at)));
        }

        Assert.Equal(noise, BlockCompressor.IsNoise(bytes, Of(byMachine)));
        var frame = Frame(bytes, byMachine);
        var expected = new byte[BlockCompressor.Bound(bytes.Length)];
        var length = BlockCompressor.Compress(bytes, expected, Of(byMachine), noise ? PackFormat.LevelOfNoise : PackFormat.CompressionLevel);
        Assert.Equal(expected[..length], frame);
        var target = new byte[bytes.Length];
        Assert.Equal(bytes.Length, BlockCompressor.Decompress(frame, target, Of(!byMachine)));
        Assert.Equal(bytes, target);
    }

    [SkippableTheory]
    [InlineData(true)]
    [InlineData(false)]
    public void After_a_frame_that_had_no_room_the_next_is_compressed(bool byMachine)
    {
        Skip.If(byMachine && MachineZstd.Instance is null, "libzstd.so.1 is not installed");
        Assert.ThrowsAny<Exception>(() => BlockCompressor.Compress(Bytes, new byte[10], Of(byMachine)));
        Assert.NotEmpty(Frame(Bytes, byMachine));
    }

    /// <summary>A sample tells nothing of what is as short as it.</summary>
    [Fact]
    public void What_is_short_is_compressed_as_usual()
    {
        var bytes = new byte[1000];
        new Random(4).NextBytes(bytes);
        Assert.False(BlockCompressor.IsNoise(bytes, null));
    }

    private static MachineZstd? Of(bool machine) => machine ? MachineZstd.Instance : null;

    private static byte[] Frame(byte[] bytes, bool byMachine)
    {
        var frame = new byte[BlockCompressor.Bound(bytes.Length)];
        return frame[..BlockCompressor.Compress(bytes, frame, Of(byMachine))];
    }
}
