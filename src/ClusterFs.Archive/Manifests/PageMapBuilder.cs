using ClusterFs.Archive.Packs;

namespace ClusterFs.Archive.Manifests;

/// <summary>Builds the map of a content leaf by leaf, and takes over every node that the map before has already.</summary>
/// <param name="before">The map of the content that this one derives from; null when there is none.</param>
internal sealed class PageMapBuilder(PackWriter pack, PageMapReader? before)
{
    private readonly ByteWriter _bytes = new();
    private readonly PackTable _packs = new();
    private readonly List<List<Piece?>> _levels = [];
    private readonly List<long> _closed = [];

    /// <summary>Appends a leaf as it was.</summary>
    public void AppendUnchanged(long index) => Append(0, before!.Find(0, index));

    public void Append(ReadOnlySpan<PagePlace> pages)
    {
        if (pages.IndexOfAnyExcept(default(PagePlace)) < 0)
        {
            Append(0, null);
            return;
        }

        PageMap.WriteLeaf(_bytes, _packs, pages);
        Append(0, pack.AddNode(_bytes.Written));
    }

    /// <returns>The root.</returns>
    public Piece Finish(long size)
    {
        var top = PageMap.LevelOf(size);
        for (var level = 0; level < top; level++)
        {
            if (_levels.Count > level && _levels[level].Count > 0)
            {
                Close(level);
            }
        }

        return _levels[top][0] ?? Empty(top, size);
    }

    private Piece Empty(int level, long size)
    {
        if (level == 0)
        {
            PageMap.WriteLeaf(_bytes, _packs, new PagePlace[PageMap.PagesOf(size)]);
        }
        else
        {
            PageMap.WriteInner(_bytes, _packs, level, []);
        }

        return pack.AddNode(_bytes.Written);
    }

    private void Append(int level, Piece? node)
    {
        if (_levels.Count == level)
        {
            _levels.Add(new List<Piece?>(PageMap.Fanout));
            _closed.Add(0);
        }

        if (_levels[level].Count == PageMap.Fanout)
        {
            Close(level);
        }

        _levels[level].Add(node);
    }

    private void Close(int level)
    {
        var children = _levels[level].ToArray();
        var index = _closed[level]++;
        _levels[level].Clear();
        if (children.All(child => child is null))
        {
            Append(level + 1, null);
        }
        else if (before is not null && before.Children(level + 1, index).AsSpan().SequenceEqual(children))
        {
            Append(level + 1, before.Find(level + 1, index));
        }
        else
        {
            PageMap.WriteInner(_bytes, _packs, level + 1, children);
            Append(level + 1, pack.AddNode(_bytes.Written));
        }
    }
}
