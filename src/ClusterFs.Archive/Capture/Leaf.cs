using ClusterFs.Archive.Manifests;
using ClusterFs.Posix;

namespace ClusterFs.Archive.Capture;

/// <summary>The bytes that one leaf of a map places, and the hashes of their pages.</summary>
/// <param name="memory">Room for it, at a multiple of <see cref="Uncached.Alignment"/>.</param>
internal sealed class Leaf(Memory<byte> memory)
{
    private readonly UInt128[] _hashes = new UInt128[PageMap.LeafPages];
    private readonly UInt128[] _before = new UInt128[PageMap.LeafPages];
    private int _hadBefore;

    public long Number { get; private set; }

    public int Size { get; private set; }

    public Span<byte> Bytes => memory.Span[..Size];

    /// <summary>The same, with zeros to the end of the last page.</summary>
    public Span<byte> WholePages
    {
        get
        {
            var pages = memory.Span[..(PageMap.PagesOf(Size) * PageMap.PageSize)];
            pages[Size..].Clear();
            return pages;
        }
    }

    public Span<UInt128> Hashes => _hashes.AsSpan(0, PageMap.PagesOf(Size));

    /// <summary>Hashes of the pages that the content before had in this range.</summary>
    public ReadOnlySpan<UInt128> Before => _before.AsSpan(0, _hadBefore);

    public Leaf At(long number, long size)
    {
        Number = number;
        Size = (int)Math.Min(PageMap.LeafSize, size - (number * PageMap.LeafSize));
        _hadBefore = 0;
        return this;
    }

    /// <summary>Reads the next hashes of the content before.</summary>
    public void ReadBefore(CheckedIndex index) => _hadBefore = index.Read(_before);
}
