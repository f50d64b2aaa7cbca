using ClusterFs.Archive.Packs;

namespace ClusterFs.Archive.Manifests;

/// <summary>Where a page of a file lies. The default is a hole: zeros.</summary>
/// <param name="Offset">First byte in the block, uncompressed.</param>
internal readonly record struct PagePlace(PackId Pack, int Block, int Offset)
{
    public bool IsHole => Pack == default;
}

/// <summary>
/// The map of a content stored in pages: a tree with fixed ranges. A leaf places the pages of 4 MiB of the file, an inner node has 64
/// children. A node keeps its place in the tree however the file changes, so a change costs its leaf and the nodes above it.
/// </summary>
internal static class PageMap
{
    public const int PageSize = 4096;
    public const int LeafPages = 1024;
    public const int LeafSize = PageSize * LeafPages;
    public const int Fanout = 64;
    public const long MaxSize = 1L << 46;

    public static int PagesOf(long size) => checked((int)((size + PageSize - 1) / PageSize));

    public static long LeavesOf(long size) => (size + LeafSize - 1) / LeafSize;

    /// <summary>The level of the root; a leaf is at level 0.</summary>
    public static int LevelOf(long size)
    {
        var level = 0;
        for (var nodes = LeavesOf(size); nodes > 1; nodes = (nodes + Fanout - 1) / Fanout)
        {
            level++;
        }

        return level;
    }

    public static void WriteLeaf(ByteWriter target, PackTable packs, ReadOnlySpan<PagePlace> pages)
    {
        var body = new ByteWriter();
        packs.Clear();
        for (var first = 0; first < pages.Length;)
        {
            var run = RunAt(pages, first);
            body.Number((run << 1) | (pages[first].IsHole ? 0 : 1));
            if (!pages[first].IsHole)
            {
                packs.WritePlace(body, pages[first].Pack, pages[first].Block, pages[first].Offset);
            }

            first += run;
        }

        target.Clear();
        target.Byte(0);
        packs.Write(target);
        target.Raw(body.Written);
    }

    /// <summary>How many pages from one on lie back to back.</summary>
    public static int RunAt(ReadOnlySpan<PagePlace> pages, int first)
    {
        var start = pages[first];
        var run = 1;
        while (first + run < pages.Length
            && pages[first + run] == (start.IsHole ? default : start with { Offset = start.Offset + (run * PageSize) }))
        {
            run++;
        }

        return run;
    }

    /// <param name="places">As many as the leaf has pages.</param>
    /// <exception cref="FormatException">The bytes are no such leaf.</exception>
    public static void ReadLeaf(ReadOnlySpan<byte> bytes, Span<PagePlace> places)
    {
        var source = new ByteReader(bytes);
        RequireLevel(source.Byte(), 0);
        var packs = PackTable.Read(ref source);
        for (var page = 0; page < places.Length;)
        {
            var head = source.Int();
            var run = head >> 1;
            if (run == 0 || run > places.Length - page)
            {
                throw new FormatException("a run of pages is too long");
            }

            if ((head & 1) == 0)
            {
                places.Slice(page, run).Clear();
            }
            else
            {
                var (pack, block, offset) = PackTable.ReadPlace(ref source, packs);
                for (var i = 0; i < run; i++)
                {
                    places[page + i] = new PagePlace(pack, block, checked(offset + (i * PageSize)));
                }
            }

            page += run;
        }
    }

    public static void WriteInner(ByteWriter target, PackTable packs, int level, ReadOnlySpan<Piece?> children)
    {
        var body = new ByteWriter();
        packs.Clear();
        foreach (var child in children)
        {
            body.Byte((byte)(child is null ? 0 : 1));
            if (child is { } piece)
            {
                packs.WritePiece(body, piece);
            }
        }

        target.Clear();
        target.Byte((byte)level);
        packs.Write(target);
        target.Raw(body.Written);
    }

    /// <exception cref="FormatException">The bytes are no such node.</exception>
    public static Piece?[] ReadInner(ReadOnlySpan<byte> bytes, int level)
    {
        var source = new ByteReader(bytes);
        RequireLevel(source.Byte(), level);
        var packs = PackTable.Read(ref source);
        var children = new List<Piece?>(Fanout);
        while (!source.AtEnd && children.Count < Fanout)
        {
            children.Add(source.Byte() == 0 ? null : PackTable.ReadPiece(ref source, packs));
        }

        return [.. children];
    }

    /// <summary>What a node of any level refers to.</summary>
    /// <exception cref="FormatException">The bytes are no node.</exception>
    public static PackId[] PacksOf(ReadOnlySpan<byte> bytes)
    {
        var source = new ByteReader(bytes);
        _ = source.Byte();
        return PackTable.Read(ref source);
    }

    private static void RequireLevel(int found, int level)
    {
        if (found != level)
        {
            throw new FormatException($"a node of level {found} stands in the place of one of level {level}");
        }
    }
}
