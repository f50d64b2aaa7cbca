using ClusterFs.Archive.Packs;

namespace ClusterFs.Archive.Manifests;

/// <summary>
/// The bytes of the list of entries: a tree whose leaves hold entries, whose inner nodes name their children by hash and place. A node that
/// comes out as it was before is not stored again.
/// </summary>
internal static class EntryList
{
    public const int MaxLevel = 16;

    /// <exception cref="FormatException">The bytes are no such leaf.</exception>
    public static List<ManifestEntry> ReadLeaf(ReadOnlySpan<byte> bytes)
    {
        var source = new ByteReader(bytes);
        RequireLevel(source.Byte(), 0);
        var packs = PackTable.Read(ref source);
        var count = source.Int();
        var entries = new List<ManifestEntry>();
        var before = string.Empty;
        for (var i = 0; i < count; i++)
        {
            var entry = EntryFormat.Read(ref source, packs, before);
            entries.Add(entry);
            before = entry.Path;
        }

        return entries;
    }

    public static void WriteInner(ByteWriter target, PackTable packs, int level, IReadOnlyList<ListNode> children)
    {
        var body = new ByteWriter();
        packs.Clear();
        foreach (var child in children)
        {
            body.Digest(child.Digest);
            packs.WritePiece(body, child.Place);
        }

        target.Clear();
        target.Byte((byte)level);
        packs.Write(target);
        target.Number(children.Count);
        target.Raw(body.Written);
    }

    /// <exception cref="FormatException">The bytes are no such node.</exception>
    public static List<ListNode> ReadInner(ReadOnlySpan<byte> bytes, int level)
    {
        var source = new ByteReader(bytes);
        RequireLevel(source.Byte(), level);
        var packs = PackTable.Read(ref source);
        var count = source.Int();
        var children = new List<ListNode>();
        for (var i = 0; i < count; i++)
        {
            children.Add(new ListNode(source.Digest(), PackTable.ReadPiece(ref source, packs)));
        }

        return children;
    }

    private static void RequireLevel(int found, int level)
    {
        if (found != level)
        {
            throw new FormatException($"a node of level {found} stands in the place of one of level {level}");
        }
    }
}
