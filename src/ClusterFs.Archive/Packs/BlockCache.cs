namespace ClusterFs.Archive.Packs;

/// <summary>The blocks that were asked for last, each loaded once however many ask for it at a time. Safe for use by several threads.</summary>
/// <param name="capacity">Bytes of blocks that are kept.</param>
internal sealed class BlockCache(long capacity)
{
    /// <summary>What an entry takes besides its bytes.</summary>
    private const int Overhead = 256;

    private readonly Lock _gate = new();
    private readonly LinkedList<Entry> _recent = [];
    private readonly Dictionary<(PackId Pack, int Number), LinkedListNode<Entry>> _entries = [];
    private long _size;

    public bool Has(PackId pack, int number)
    {
        lock (_gate)
        {
            return _entries.ContainsKey((pack, number));
        }
    }

    /// <returns>Null when the block is not there, nor being loaded.</returns>
    public Lazy<byte[]>? Find(PackId pack, int number)
    {
        lock (_gate)
        {
            return Renew(pack, number)?.Bytes;
        }
    }

    /// <param name="load">Loads the block, for the first who asks for its value; the others wait.</param>
    public Lazy<byte[]> Get(PackId pack, int number, Func<byte[]> load)
    {
        lock (_gate)
        {
            return Renew(pack, number)?.Bytes ?? Add(pack, number, PackFormat.BlockSize, load);
        }
    }

    /// <param name="size">Of the block, in bytes.</param>
    /// <returns>Null when the block is there, or is being loaded: it is kept for longer then.</returns>
    public Lazy<byte[]>? TryAdd(PackId pack, int number, int size, Func<byte[]> load)
    {
        lock (_gate)
        {
            return Renew(pack, number) is null ? Add(pack, number, size, load) : null;
        }
    }

    /// <summary>Has a block loaded anew, should it be asked for again.</summary>
    /// <param name="bytes">As it was got; another in its place stays.</param>
    public void Forget(PackId pack, int number, Lazy<byte[]> bytes)
    {
        lock (_gate)
        {
            if (_entries.TryGetValue((pack, number), out var known) && known.Value.Bytes == bytes)
            {
                Remove(known);
            }
        }
    }

    private Entry? Renew(PackId pack, int number)
    {
        if (!_entries.TryGetValue((pack, number), out var known))
        {
            return null;
        }

        _recent.Remove(known);
        _recent.AddFirst(known);
        return known.Value;
    }

    private Lazy<byte[]> Add(PackId pack, int number, int size, Func<byte[]> load)
    {
        var entry = new Entry(pack, number) { Size = size + Overhead };
        entry.Bytes = new Lazy<byte[]>(() =>
        {
            var bytes = load();
            Resize(entry, bytes.Length + Overhead);
            return bytes;
        });
        _entries.Add((pack, number), _recent.AddFirst(entry));
        _size += entry.Size;
        Evict();
        return entry.Bytes;
    }

    private void Resize(Entry entry, long size)
    {
        lock (_gate)
        {
            if (_entries.TryGetValue((entry.Pack, entry.Number), out var known) && known.Value == entry)
            {
                _size += size - entry.Size;
                entry.Size = size;
                Evict();
            }
        }
    }

    private void Evict()
    {
        while (_size > capacity && _recent.Count > 1)
        {
            Remove(_recent.Last!);
        }
    }

    private void Remove(LinkedListNode<Entry> node)
    {
        _recent.Remove(node);
        _entries.Remove((node.Value.Pack, node.Value.Number));
        _size -= node.Value.Size;
    }

    private sealed class Entry(PackId pack, int number)
    {
        public PackId Pack => pack;

        public int Number => number;

        public Lazy<byte[]> Bytes { get; set; } = null!;

        public long Size { get; set; }
    }
}
