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

    private static MachineZstd? Of(bool machine) => machine ? MachineZstd.Instance : null;

    private static byte[] Frame(byte[] bytes, bool byMachine)
    {
        var frame = new byte[BlockCompressor.Bound(bytes.Length)];
        return frame[..BlockCompressor.Compress(bytes, frame, Of(byMachine))];
    }
}
