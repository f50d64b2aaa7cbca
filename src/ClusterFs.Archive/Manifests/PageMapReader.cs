using ClusterFs.Archive.Packs;

namespace ClusterFs.Archive.Manifests;

/// <summary>Finds the nodes of one content's map by level and place. Keeps the inner nodes it met. Safe for use by several threads.</summary>
/// <param name="what">Whose content it is; for messages.</param>
internal sealed class PageMapReader(PackReader reader, FileContent content, string what)
{
    /// <summary>Pages of a block from which on it is worth decompressing for them alone: three quarters.</summary>
    private const int Enough = PackFormat.BlockSize / PageMap.PageSize * 3 / 4;

    private readonly Lock _gate = new();
    private readonly Dictionary<(int Level, long Index), Piece?[]> _inner = [];
    private readonly int _level = PageMap.LevelOf(content.Size);

    public FileContent Content => content;

    public string What => what;

    /// <summary>The node of a level whose range is the index-th of that level.</summary>
    /// <returns>Null where the content has none, or only a hole.</returns>
    public Piece? Find(int level, long index)
    {
        if (level >= _level)
        {
            return level == _level && index == 0 ? content.Root : null;
        }

        var children = Children(level + 1, index / PageMap.Fanout);
        return index % PageMap.Fanout < children.Length ? children[index % PageMap.Fanout] : null;
    }

    /// <summary>The children of an inner node; none where it is missing.</summary>
    public Piece?[] Children(int level, long index)
    {
        lock (_gate)
        {
            if (_inner.TryGetValue((level, index), out var known))
            {
                return known;
            }
        }

        var children = Find(level, index) is { } piece ? Parse(piece, bytes => PageMap.ReadInner(bytes, level)) : [];
        lock (_gate)
        {
            _inner[(level, index)] = children;
        }

        return children;
    }

    /// <summary>Places the pages of a leaf; of one that is missing, as a hole.</summary>
    /// <param name="spare">Becomes the result, if it has the right length: a leaf's places are 32 KiB, and memory never used is slow.</param>
    public PagePlace[] Leaf(long index, PagePlace[]? spare = null)
    {
        var size = Math.Clamp(content.Size - (index * PageMap.LeafSize), 0, PageMap.LeafSize);
        var pages = PageMap.PagesOf(size);
        var places = spare?.Length == pages ? spare : new PagePlace[pages];
        if (Find(0, index) is not { } piece)
        {
            Array.Clear(places);
            return places;
        }

        return Parse(piece, bytes =>
        {
            PageMap.ReadLeaf(bytes, places);
            return places;
        });
    }

    /// <summary>Reads the bytes of consecutive pages.</summary>
    /// <param name="target">As many bytes as the pages have.</param>
    public void Read(ReadOnlySpan<PagePlace> pages, Span<byte> target)
    {
        var laid = LayBlocks(pages, target);
        for (var first = 0; first < pages.Length;)
        {
            var run = PageMap.RunAt(pages, first);
            var start = first * PageMap.PageSize;
            var bytes = target[start..Math.Min(target.Length, start + (run * PageMap.PageSize))];
            if (pages[first].IsHole)
            {
                bytes.Clear();
            }
            else if (!IsLaid(laid, pages[first], start, bytes.Length))
            {
                reader.Read(new Piece(pages[first].Pack, pages[first].Block, pages[first].Offset, bytes.Length), bytes, what);
            }

            first += run;
        }
    }

    /// <summary>
    /// Decompresses blocks straight to where most of their pages belong. What else is in such a block lands in the place of pages that are read
    /// from elsewhere afterwards.
    /// </summary>
    private List<LaidBlock> LayBlocks(ReadOnlySpan<PagePlace> pages, Span<byte> target)
    {
        var laid = new List<LaidBlock>();
        if (pages.Length < Enough)
        {
            return laid;
        }

        var free = 0;
        var tried = default(PagePlace);
        for (var page = 0; page < pages.Length; page++)
        {
            var place = pages[page];
            var start = (page * PageMap.PageSize) - place.Offset;
            if (place.IsHole || start < free || (place.Pack, place.Block) == (tried.Pack, tried.Block))
            {
                continue;
            }

            tried = place;
            if (Share(pages, place, start) >= Enough && reader.TryReadBlock(place.Pack, place.Block, target[start..], what) is { } size)
            {
                laid.Add(new LaidBlock(place.Pack, place.Block, start, size));
                free = start + size;
            }
        }

        return laid;
    }

    /// <summary>How many of the pages lie in a block just as they follow each other in it.</summary>
    /// <param name="start">Where the block would begin, in bytes from the first page.</param>
    private static int Share(ReadOnlySpan<PagePlace> pages, PagePlace place, int start)
    {
        var share = 0;
        for (var page = (start + PageMap.PageSize - 1) / PageMap.PageSize; page < Math.Min(pages.Length, (start + PackFormat.BlockSize) / PageMap.PageSize); page++)
        {
            share += pages[page] == place with { Offset = (page * PageMap.PageSize) - start } ? 1 : 0;
        }

        return share;
    }

    /// <param name="start">Of the run whose first page is given, in bytes from the first page of all.</param>
    private static bool IsLaid(List<LaidBlock> laid, PagePlace first, int start, int length)
    {
        foreach (var block in laid)
        {
            if ((first.Pack, first.Block, first.Offset) == (block.Pack, block.Block, start - block.Start) && first.Offset <= block.Size - length)
            {
                return true;
            }
        }

        return false;
    }

    /// <param name="Start">Where its first byte went.</param>
    private readonly record struct LaidBlock(PackId Pack, int Block, int Start, int Size);

    private T Parse<T>(Piece piece, Func<byte[], T> parse)
    {
        try
        {
            return parse(reader.Read(piece, $"the map of {what}"));
        }
        catch (Exception error) when (error is FormatException or OverflowException)
        {
            throw new DamagedArchiveException(reader.FileOf(piece.Pack), $"the map of {what} cannot be read: {error.Message}", error);
        }
    }
}
