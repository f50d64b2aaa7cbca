using ClusterFs.Archive.Log;
using ClusterFs.Archive.Manifests;
using ClusterFs.Archive.Packs;

namespace ClusterFs.Archive.Retention;

/// <summary>Collects the packs that dumps refer to. What dumps share is read once. Not safe for use by several threads.</summary>
internal sealed class PackReferences(PackReader reader, string service)
{
    private readonly HashSet<PackId> _packs = [];
    private readonly HashSet<Piece> _met = [];

    public IReadOnlySet<PackId> Packs => _packs;

    /// <exception cref="DamagedArchiveException">A part of the lists is missing or damaged: what it refers to is not known.</exception>
    public void Add(StoredContent content, CancellationToken cancellation)
    {
        _packs.Add(PackId.Parse(content.Manifest.Pack));
        var manifest = Manifest.Open(reader, content.Manifest, service);
        foreach (var entry in manifest.NewEntries(_packs, _met))
        {
            cancellation.ThrowIfCancellationRequested();
            if (entry.Content is { Root: { } root } stored)
            {
                _packs.Add(root.Pack);
                if (stored.Paged && _met.Add(root))
                {
                    AddMap(root, PageMap.LevelOf(stored.Size), entry.Path);
                }
            }
        }
    }

    private void AddMap(Piece node, int level, string path)
    {
        var what = $"the map of '{path}'";
        var bytes = reader.Read(node, what);
        try
        {
            _packs.UnionWith(PageMap.PacksOf(bytes));
            if (level == 0)
            {
                return;
            }

            foreach (var child in PageMap.ReadInner(bytes, level))
            {
                if (child is { } piece && _met.Add(piece))
                {
                    AddMap(piece, level - 1, path);
                }
            }
        }
        catch (Exception error) when (error is FormatException or OverflowException)
        {
            throw new DamagedArchiveException(reader.FileOf(node.Pack), $"{what} cannot be read: {error.Message}", error);
        }
    }
}
