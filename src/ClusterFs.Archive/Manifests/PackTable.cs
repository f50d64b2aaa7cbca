using ClusterFs.Archive.Packs;

namespace ClusterFs.Archive.Manifests;

/// <summary>The packs that a node refers to: its pieces name them by their place in this table.</summary>
internal sealed class PackTable
{
    private readonly List<PackId> _packs = [];
    private readonly Dictionary<PackId, int> _places = [];

    public void Clear()
    {
        _packs.Clear();
        _places.Clear();
    }

    public void Write(ByteWriter target)
    {
        target.Number(_packs.Count);
        foreach (var pack in _packs)
        {
            target.Pack(pack);
        }
    }

    public static PackId[] Read(ref ByteReader source)
    {
        var count = source.Int();
        var packs = new List<PackId>();
        for (var i = 0; i < count; i++)
        {
            packs.Add(source.Pack());
        }

        return [.. packs];
    }

    public void WritePiece(ByteWriter target, Piece piece)
    {
        WritePlace(target, piece.Pack, piece.Block, piece.Offset);
        target.Number(piece.Length);
    }

    public static Piece ReadPiece(ref ByteReader source, PackId[] packs)
    {
        var (pack, block, offset) = ReadPlace(ref source, packs);
        return new Piece(pack, block, offset, source.Int());
    }

    public void WritePlace(ByteWriter target, PackId pack, int block, int offset)
    {
        if (!_places.TryGetValue(pack, out var place))
        {
            place = _packs.Count;
            _packs.Add(pack);
            _places.Add(pack, place);
        }

        target.Number(place);
        target.Number(block);
        target.Number(offset);
    }

    public static (PackId Pack, int Block, int Offset) ReadPlace(ref ByteReader source, PackId[] packs)
    {
        var place = source.Int();
        return place < packs.Length
            ? (packs[place], source.Int(), source.Int())
            : throw new FormatException($"pack {place} of {packs.Length} is referred to");
    }
}
