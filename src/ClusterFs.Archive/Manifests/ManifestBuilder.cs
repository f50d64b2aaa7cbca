using System.IO.Hashing;
using System.Runtime.InteropServices;
using ClusterFs.Archive.Packs;

namespace ClusterFs.Archive.Manifests;

/// <summary>
/// Builds the list of entries as they come, in order. Where a node ends depends on what is in it, so that a change moves no other node's
/// bounds.
/// </summary>
/// <param name="known">Nodes that the archive holds already.</param>
internal sealed class ManifestBuilder(PackWriter pack, IReadOnlyDictionary<Digest, Piece> known)
{
    private const int MinEntries = 8;
    private const int MaxEntries = 512;
    private const int MaxBytes = 64 << 10;
    private const ulong EntryMask = 63;
    private const int MinChildren = 4;
    private const int MaxChildren = 256;
    private const ulong ChildMask = 31;

    private readonly ByteWriter _bytes = new();
    private readonly ByteWriter _body = new();
    private readonly PackTable _packs = new();
    private readonly List<List<ListNode>> _levels = [];
    private string _before = string.Empty;
    private int _entries;

    public void Add(ManifestEntry entry)
    {
        EntryFormat.Write(_body, _packs, entry, _before);
        _before = entry.Path;
        _entries++;
        var ends = (XxHash3.HashToUInt64(MemoryMarshal.AsBytes(entry.Path.AsSpan())) & EntryMask) == 0;
        if ((ends && _entries >= MinEntries) || _entries >= MaxEntries || _body.Length >= MaxBytes)
        {
            CloseLeaf();
        }
    }

    public (int Level, ListNode? List) Finish()
    {
        if (_entries > 0)
        {
            CloseLeaf();
        }

        for (var level = 0; level < _levels.Count; level++)
        {
            if (level == _levels.Count - 1 && _levels[level].Count == 1)
            {
                return (level, _levels[level][0]);
            }

            if (_levels[level].Count > 0)
            {
                CloseInner(level);
            }
        }

        return (0, null);
    }

    private void CloseLeaf()
    {
        _bytes.Clear();
        _bytes.Byte(0);
        _packs.Write(_bytes);
        _bytes.Number(_entries);
        _bytes.Raw(_body.Written);
        _body.Clear();
        _packs.Clear();
        _before = string.Empty;
        _entries = 0;
        Append(0, Store());
    }

    private void Append(int level, ListNode node)
    {
        if (_levels.Count == level)
        {
            _levels.Add([]);
        }

        var nodes = _levels[level];
        nodes.Add(node);
        if (nodes.Count >= MaxChildren || (nodes.Count >= MinChildren && (node.Digest.A & ChildMask) == 0))
        {
            CloseInner(level);
        }
    }

    private void CloseInner(int level)
    {
        EntryList.WriteInner(_bytes, _packs, level + 1, _levels[level]);
        _packs.Clear();
        _levels[level].Clear();
        Append(level + 1, Store());
    }

    private ListNode Store()
    {
        var digest = Digest.Of(_bytes.Written);
        return new ListNode(digest, known.TryGetValue(digest, out var place) ? place : pack.AddNode(_bytes.Written));
    }
}
