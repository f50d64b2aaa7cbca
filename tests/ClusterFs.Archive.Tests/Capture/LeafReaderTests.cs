using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using ClusterFs.Archive.Capture;
using ClusterFs.Archive.Manifests;
using ClusterFs.Archive.Packs;
using ClusterFs.Posix;
using CsCheck;

namespace ClusterFs.Archive.Tests.Capture;

public sealed class LeafReaderTests
{
    private const int Page = PageMap.PageSize;
    private const int Piece = 512;
    private const int Most = (2 * PageMap.LeafSize) + (7 * Page);
    private const long Seed = 3;

    /// <summary>So the hashes are those of the new bytes, whatever of them is taken from the content before.</summary>
    [Fact]
    public void Only_what_is_not_known_is_read_and_the_rest_is_as_it_was_before()
    {
        var sizes = Gen.Frequency((3, Gen.Int[1, Most]), (1, Gen.Const(Most)), (1, Gen.Int[1, 3].Select(leaves => (leaves * PageMap.LeafSize) - (PageMap.LeafSize / 2))));
        var changes = Gen.Int[0, Most - 1].Array[0, 12];
        Gen.Select(sizes, Gen.Frequency((1, Gen.Const(0)), (1, sizes)), changes, Gen.Int[1, 900]).Sample(
            (sizeBefore, drawn, changed, run) => Check(sizeBefore, drawn == 0 ? sizeBefore : drawn, changed, run), iter: 40, threads: 1);
    }

    /// <param name="changed">Bytes that differ, by their places; so many pieces from that of each on, smaller than pages, lie elsewhere, and one more behind them; they may be the same.</param>
    private static void Check(int sizeBefore, int size, int[] changed, int run)
    {
        var before = new byte[sizeBefore];
        new Random(1).NextBytes(before);
        var now = new byte[size];
        before.AsSpan(0, Math.Min(sizeBefore, size)).CopyTo(now);
        foreach (var place in changed.Where(place => place < size))
        {
            now[place] ^= 1;
        }

        var limit = UnchangedRanges.LimitOf(sizeBefore, size, sizeBefore, size);
        var moved = UnchangedRanges.Both([.. changed.Select(place => At(place / Piece, run))], [.. changed.Select(place => At((place / Piece) + run + 2, 1))]);
        var one = new FileExtent(0, Page, Most, IsPlaced: true);
        var unchanged = UnchangedRanges.Between([one], [one], limit, moved);
        bool IsKnown(int page)
        {
            var (from, to) = (page * (long)Page, Math.Min(size, (page + 1) * (long)Page));
            return to <= limit && !moved.Exists(range => range.Start < to && range.End > from);
        }

        var source = new Bytes(now);
        var (stream, digest) = IndexOf(before);
        using var index = new CheckedIndex(stream, digest);
        using var reader = new LeafReader(source, Seed, index, unchanged);
        var hashes = new List<UInt128>();
        while (reader.Next() is { } leaf)
        {
            hashes.AddRange(leaf.Hashes);
        }

        var pages = Enumerable.Range(0, PageMap.PagesOf(size)).ToList();
        Assert.Equal(Hashed(now), hashes);
        Assert.True(index.IsRight());
        Assert.Equal(pages.Where(page => !IsKnown(page)), source.Read.Order());
        Assert.Equal(source.Expected, source.Expected.Distinct());
        Assert.Equal(pages.Where(IsKnown).Sum(page => Math.Min(Page, size - (page * (long)Page))), reader.TakenOver);
    }

    private static ByteRange At(long piece, int count) => new(piece * Piece, (piece + count) * Piece);

    private static UInt128[] Hashed(byte[] bytes)
    {
        var hashes = new UInt128[PageMap.PagesOf(bytes.Length)];
        PageHash.Of(bytes, Seed, hashes);
        return hashes;
    }

    private static (FileStream Stream, Digest Digest) IndexOf(byte[] content)
    {
        var bytes = MemoryMarshal.AsBytes(Hashed(content).AsSpan());
        var stream = new FileStream(Path.GetTempFileName(), FileMode.Open, FileAccess.ReadWrite, FileShare.Read, 1, FileOptions.DeleteOnClose);
        stream.Write(bytes);
        stream.Position = 0;
        return (stream, Digest.Read(SHA256.HashData(bytes)));
    }

    /// <summary>A source that keeps a record.</summary>
    private sealed class Bytes(byte[] bytes) : IPageSource
    {
        private readonly ConcurrentQueue<int> _read = [];
        private readonly ConcurrentQueue<long> _expected = [];

        public IEnumerable<int> Read => _read;

        /// <summary>Where each begins that will be read.</summary>
        public IEnumerable<long> Expected => _expected;

        public long Size => bytes.Length;

        void IPageSource.Read(long offset, Span<byte> target)
        {
            bytes.AsSpan((int)offset, target.Length).CopyTo(target);
            for (var page = (int)(offset / Page); page * (long)Page < offset + target.Length; page++)
            {
                _read.Enqueue(page);
            }
        }

        public void Expect(long offset, long length)
        {
            Assert.InRange(offset + length, 1, bytes.Length);
            _expected.Enqueue(offset);
        }

        public bool IsHole(long offset, long length) => false;
    }
}
