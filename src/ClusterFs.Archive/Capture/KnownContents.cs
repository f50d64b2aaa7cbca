using ClusterFs.Archive.Manifests;
using ClusterFs.Archive.Packs;

namespace ClusterFs.Archive.Capture;

/// <summary>
/// What the archive holds already, by content: of files stored whole, where they lie; of large ones, by the inode they had. Read from the index
/// when first asked for: a dump that finds nothing new needs none of it. Forty bytes a file.
/// </summary>
internal sealed class KnownContents(IEnumerable<IndexRow> rows, long count)
{
    private readonly List<PackId> _packs = [];
    private readonly Dictionary<PackId, int> _places = [];
    private readonly Dictionary<ulong, FileContent> _large = [];
    private Dictionary<UInt128, Place>? _whole;

    public Piece? Find(Digest digest, int length)
    {
        Load();
        return _whole!.TryGetValue(KeyOf(digest), out var place) ? new Piece(_packs[place.Pack], place.Block, place.Offset, length) : null;
    }

    /// <summary>The large content that a file had under another name, by its inode: a rename keeps that.</summary>
    public FileContent? FindLarge(ulong inode)
    {
        Load();
        return _large.GetValueOrDefault(inode);
    }

    public void Remember(FileContent content)
    {
        if (content is { Paged: false, Root: { } piece })
        {
            Load();
            if (!_places.TryGetValue(piece.Pack, out var pack))
            {
                pack = _packs.Count;
                _packs.Add(piece.Pack);
                _places.Add(piece.Pack, pack);
            }

            _whole!.TryAdd(KeyOf(content.Digest), new Place(pack, piece.Block, piece.Offset));
        }
    }

    private void Load()
    {
        if (_whole is not null)
        {
            return;
        }

        _whole = new Dictionary<UInt128, Place>((int)Math.Min(count, 1 << 24));
        foreach (var row in rows)
        {
            if (row.Entry.Content is { } content)
            {
                Remember(content);
                if (content.Paged && row.Identity.Inode != 0)
                {
                    _large.TryAdd(row.Identity.Inode, content);
                }
            }
        }
    }

    /// <summary>Half of a SHA-256 is as good a key as all of it.</summary>
    private static UInt128 KeyOf(Digest digest) => new(digest.A, digest.B);

    private readonly record struct Place(int Pack, int Block, int Offset);
}
