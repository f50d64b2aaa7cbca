using ClusterFs.Posix;

namespace ClusterFs.Archive.Packs;

/// <summary>Where the bytes of a pack are: a file of its own, or a part of a bundle.</summary>
/// <param name="Length">Null: to the end of the file.</param>
internal sealed record PackPlace(string File, long Offset, long? Length);

/// <summary>Finds packs by their names, whether they have been bundled or not. Safe for use by several threads.</summary>
internal sealed class PackStore(ArchiveLayout layout)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, IReadOnlyList<BundledPack>> _tables = new(StringComparer.Ordinal);
    private readonly Dictionary<PackId, PackPlace> _bundled = [];

    /// <summary>
    /// Where a pack lies as far as can be seen now; the file that it had at first, if it is nowhere. That file, or the bundle, may be gone when it
    /// is opened, because a larger bundle has taken it in: ask again.
    /// </summary>
    /// <exception cref="SharedStorageException">The storage is away.</exception>
    /// <exception cref="DamagedArchiveException">It is nowhere, and a bundle cannot be read.</exception>
    public PackPlace Find(PackId pack)
    {
        var own = new PackPlace(layout.Pack(pack.ToString()), 0, null);
        lock (_gate)
        {
            if (_bundled.TryGetValue(pack, out var known) && File.Exists(known.File))
            {
                return known;
            }

            if (File.Exists(own.File))
            {
                return own;
            }

            layout.RequireHome();
            var damage = LookAtBundles();
            return _bundled.TryGetValue(pack, out var found) ? found : damage is null ? own : throw damage;
        }
    }

    /// <summary>The packs that can be seen in files of their own.</summary>
    public IReadOnlyList<PackId> Own() =>
        [.. Directory.EnumerateFiles(layout.Packs, $"*{BundleFormat.PackExtension}").Select(BundleFormat.PackOf)];

    /// <summary>The bundles that can be seen, and what they hold; those that cannot be read are left out.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<BundledPack>> Bundles()
    {
        lock (_gate)
        {
            _ = LookAtBundles();
            return _tables.ToDictionary();
        }
    }

    /// <returns>What is wrong with one of them; null when all is well.</returns>
    private DamagedArchiveException? LookAtBundles() => SharedStorage.Reach(layout.Packs, () =>
    {
        DamagedArchiveException? damage = null;
        var files = Directory.Exists(layout.Packs) ? Directory.GetFiles(layout.Packs, $"*{BundleFormat.Extension}") : [];
        foreach (var gone in _tables.Keys.Except(files, StringComparer.Ordinal).ToList())
        {
            _tables.Remove(gone);
        }

        foreach (var file in files.Where(file => !_tables.ContainsKey(file)))
        {
            try
            {
                using var stream = SharedStorage.TryOpen(file);
                if (stream is not null)
                {
                    _tables.Add(file, BundleFormat.ReadTable(stream));
                }
            }
            catch (DamagedArchiveException one)
            {
                damage = one;
            }
        }

        _bundled.Clear();
        foreach (var (file, table) in _tables)
        {
            foreach (var pack in table)
            {
                _bundled[pack.Pack] = new PackPlace(file, pack.Offset, pack.Length);
            }
        }

        return damage;
    });
}
