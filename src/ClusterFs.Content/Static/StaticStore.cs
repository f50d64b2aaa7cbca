using ClusterFs.Archive;
using ClusterFs.Archive.Log;
using ClusterFs.Archive.Manifests;
using ClusterFs.Archive.Packs;
using ClusterFs.Archive.Retention;
using ClusterFs.Configuration;
using ClusterFs.Posix;

namespace ClusterFs.Content.Static;

/// <summary>
/// The generations of one static content on shared storage: an archive of its own, in which every generation is a claim and a dump right after it; and,
/// where nodes serve it from there, each generation's files as they are. Calls block on shared storage, which may hang. Safe to use from any number of
/// processes and machines, not from several threads.
/// </summary>
/// <exception cref="SharedStorageException">From every method: shared storage is away.</exception>
public sealed class StaticStore
{
    /// <summary>A directory that has just changed may change again within the tick of its file system's clock.</summary>
    private static readonly TimeSpan Unsettled = TimeSpan.FromSeconds(5);

    private readonly TimeProvider _time;
    private readonly Action<string> _reached;
    private (ulong Inode, ulong Device, long Modified, long Changed) _seen;
    private long _seenSince;
    private Generation? _newest;

    public StaticStore(SharedSettings shared, string service, string name, TimeProvider time)
        : this(shared, service, name, time, _ => { })
    {
    }

    /// <param name="reached">Called at points of the work, in tests.</param>
    internal StaticStore(SharedSettings shared, string service, string name, TimeProvider time, Action<string> reached)
    {
        _time = time;
        _reached = reached;
        Archive = new ServiceArchive(ArchiveLayout.OfStatic(shared.Path, service, name), $"{service}/{name}", time)
        {
            Keys = shared.KeyFile is { } file ? ArchiveKeys.Read(file) : null,
        };
    }

    internal ServiceArchive Archive { get; }

    /// <summary>Everything of this content on shared storage.</summary>
    public string Root => Archive.Root;

    /// <summary>Of each generation that is served from shared storage, its files.</summary>
    internal string Trees => Path.Combine(Root, "trees");

    private string SwitchedFile => Path.Combine(Root, "switched");

    internal void Reached(string point) => _reached(point);

    /// <summary>
    /// What is there now. Nothing is read that has not changed: the directory of the log tells, whatever the content's size. It is opened for that, which
    /// makes network file systems ask for what changed elsewhere.
    /// </summary>
    public StaticSight Look(CancellationToken cancellation)
    {
        Archive.Layout.RequireHome();
        return SharedStorage.Reach(Root, () =>
        {
            try
            {
                using var top = UnlockedFile.OpenDirectory(Root);
                using var log = UnlockedFile.OpenDirectory(Archive.Layout.Log);
                var status = FileStatus.Read(log);
                var identity = (status.Inode, status.Device, status.ModifiedNs, status.ChangedNs);
                if (identity != _seen)
                {
                    (_seen, _seenSince, _newest) = (identity, _time.GetTimestamp(), null);
                }

                if (_newest is null || _time.GetElapsedTime(_seenSince) < Unsettled)
                {
                    _newest = Archive.NewestDump(cancellation) is { } record ? Generation.Of(record) : null;
                }

                return new StaticSight(_newest, SealedJson.TryRead(SwitchedFile, StaticJson.Default.SwitchedRecord)?.Generation ?? 0);
            }
            catch (FileNotFoundException)
            {
                return new StaticSight(null, 0);
            }
        });
    }

    /// <summary>The generations that can be rolled back to, oldest first, and the newest that nodes have switched to.</summary>
    public (IReadOnlyList<Generation> Generations, long Switched) List(CancellationToken cancellation)
    {
        var sight = Look(cancellation);
        return ([.. Archive.List(cancellation).OfType<DumpRecord>().Select(Generation.Of)], sight.Switched);
    }

    /// <summary>A generation with these files; null when there is none any more.</summary>
    internal Generation? Find(string files, CancellationToken cancellation) =>
        Archive.List(cancellation).OfType<DumpRecord>().Where(dump => dump.Content.Manifest.Pack == files).Select(Generation.Of).LastOrDefault();

    /// <summary>Notes, for nodes that are away, that a generation is served. Generations only grow: an older note that comes late is mended by the next look.</summary>
    public void NoteSwitched(long generation) => SharedStorage.Reach(SwitchedFile, () =>
        Durable.Replace(SwitchedFile, SealedJson.Write(new SwitchedRecord(generation), StaticJson.Default.SwitchedRecord)));

    /// <summary>Makes an older generation the newest: as a new one that has its files. Nothing is copied.</summary>
    /// <param name="number">Null: the one before the newest.</param>
    /// <exception cref="StaticException">There is no such generation, or it is the newest already.</exception>
    public Generation Rollback(long? number, string node, CancellationToken cancellation)
    {
        var generations = List(cancellation).Generations;
        var newest = generations.Count > 0
            ? generations[^1]
            : throw new StaticException($"{Archive.Service}: nothing was published yet; see 'clusterfs static publish'");
        var old = number is null
            ? generations.LastOrDefault(one => one.Files != newest.Files)
            : generations.FirstOrDefault(one => one.Number == number);
        if (old is null)
        {
            throw new StaticException(number is null
                ? $"{Archive.Service}: there is no generation before {newest.Number} with other files"
                : $"{Archive.Service}: there is no generation {number}; there are {string.Join(", ", generations.Select(one => one.Number))}");
        }

        if (old.Files == newest.Files)
        {
            throw new StaticException($"{Archive.Service}: generation {newest.Number}, the newest, has the files of generation {old.Number} already");
        }

        using var mark = Archive.Mark(old.Content);
        return Commit(old.Content with { StoredBytes = 0 }, node, old.Number, cancellation);
    }

    /// <summary>Where the files of a generation are, if they are there as they are.</summary>
    public string? FindTree(Generation generation) =>
        SharedStorage.Reach(Trees, () => FileStatus.TryRead(TreeOf(generation)) is { Kind: FileKind.Directory }) ? TreeOf(generation) : null;

    /// <summary>Where they are or would be.</summary>
    public string TreeOf(Generation generation) => Path.Combine(Trees, generation.Files);

    /// <summary>Writes the files of a generation as they are, unless somebody has. Whole or not at all.</summary>
    /// <param name="before">One that may be there, whose files are the same for the most part.</param>
    /// <returns>What somebody should look at; null when nothing.</returns>
    public string? MakeTree(Generation generation, Generation? before, Action<long, long> advanced, CancellationToken cancellation)
    {
        if (FindTree(generation) is not null)
        {
            return null;
        }

        using var mark = Archive.Mark(generation.Content);
        using var reader = Archive.NewReader();
        var building = Path.Combine(Trees, $".{generation.Files}.{Guid.NewGuid():N}");
        return SharedStorage.Reach(Trees, () =>
        {
            Durable.CreateDirectory(Trees);
            try
            {
                using var disk = FileSystemSync.Before(Trees);
                var written = before is not null && FindTree(before) is { } tree ? new WrittenGeneration(tree, EntriesOf(before, reader)) : null;
                var writer = new GenerationWriter(reader, ManifestOf(generation, reader), written);
                writer.Write(building, advanced, cancellation);
                disk.Complete();
                _reached("tree written");
                if (Durable.TryRenameToFree(building, TreeOf(generation)))
                {
                    Durable.SyncDirectory(Trees);
                }

                return writer.OwnersRefused ? $"{Trees}: shared storage lets nobody set owners; files served from there belong to whoever it says" : null;
            }
            finally
            {
                Trash.Delete(building);
            }
        });
    }

    internal Manifest ManifestOf(Generation generation, PackReader reader) => Manifest.Open(reader, generation.Content.Manifest, Archive.Service);

    /// <returns>Null where they are not in the archive any more.</returns>
    internal IEnumerable<ManifestEntry>? EntriesOf(Generation generation, PackReader reader)
    {
        try
        {
            using var probe = new PackReader(Archive.Packs.Find, TimeSpan.Zero, Archive.Keys);
            ManifestOf(generation, probe).Check();
            return ManifestOf(generation, reader).Entries();
        }
        catch (ArchiveException)
        {
            // It was pruned: the files themselves are read.
            return null;
        }
    }

    /// <summary>
    /// Takes the next free slots for a generation. Of two that are published at once one is the next, and the other the one after it, whichever is slower.
    /// </summary>
    /// <param name="basis">A generation whose files it refers to; 0 for none.</param>
    /// <exception cref="PrunedBasisException">That was pruned meanwhile.</exception>
    internal Generation Commit(StoredContent content, string node, long basis, CancellationToken cancellation)
    {
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            var newest = RequireUnpruned(basis, cancellation);
            var claim = new ClaimRecord(Archive.Service, 0, NewNonce(), (newest?.Epoch ?? 0) + 1, node, Archive.Now);
            var claimed = Archive.Log.Claim(claim, newest?.Slot ?? 0, cancellation);
            if (claimed.Outcome != SlotOutcome.Mine)
            {
                continue;
            }

            _reached("claimed");
            RequireUnpruned(basis, cancellation);
            var dump = new DumpRecord(Archive.Service, claimed.Record.Slot + 1, NewNonce(), claim.Epoch, node, Archive.Now, content);

            // Any other record there, a prune record as well, and it is begun anew.
            if (Archive.Log.Commit(dump, cancellation).Outcome == SlotOutcome.Mine)
            {
                _reached("committed");
                return Generation.Of(dump);
            }
        }
    }

    /// <summary>
    /// Prunes all but the newest generations, and frees the space of what was pruned a while ago. Files that are served as they are stay for an hour longer:
    /// a client of another node may have them open.
    /// </summary>
    public void Prune(int keep, CancellationToken cancellation)
    {
        Archive.Layout.RequireHome();
        var nonce = NewNonce();
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            var line = Line.Of(Archive.Log.ReadFrom(1, cancellation));
            var gone = line.Dumps.SkipLast(keep).ToList();
            if (gone.Count == 0 || line.Newest is not { } newest)
            {
                break;
            }

            var record = new PruneRecord(
                Archive.Service, newest.Slot + 1, nonce, newest.Epoch, newest.Node, Archive.Now, [.. gone.Select(dump => new SlotRange(dump.Slot, dump.Slot))]);
            if (Archive.Log.Append(record, cancellation).Nonce == nonce)
            {
                break;
            }
        }

        new LogFolding(Archive.Layout, Archive.Log).Run(Archive.Log.HighestListed(), cancellation);
        _ = new Sweep(Archive, Archive.PruneGrace).Run(cancellation);
        new TreeRetention(this).Run(cancellation);
    }

    /// <summary>Deletes what was stored and is not to be published, as far as it can.</summary>
    internal void Discard(StoredContent content)
    {
        try
        {
            if (!Archive.Log.ReadFrom(1, CancellationToken.None).OfType<DumpRecord>().Any(dump => dump.Content.Manifest.Pack == content.Manifest.Pack))
            {
                File.Delete(Archive.Layout.Pack(content.Manifest.Pack));
                Trash.Delete(Path.Combine(Trees, content.Manifest.Pack));
            }
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            // Shared storage is away: that is why.
        }
    }

    internal static string NewNonce() => Guid.NewGuid().ToString("N");

    /// <summary>The newest record.</summary>
    private LogRecord? RequireUnpruned(long basis, CancellationToken cancellation)
    {
        LogRecord? newest = null;
        long? slot = null;
        foreach (var record in Archive.Log.ReadFrom(1, cancellation))
        {
            newest = record;
            slot = record is DumpRecord && record.Epoch == basis ? record.Slot : slot;
            if (slot is { } its && record is PruneRecord prune && prune.Prunes(its))
            {
                throw new PrunedBasisException($"{Archive.Service}: generation {basis} has just been pruned");
            }
        }

        return newest;
    }
}

/// <summary>What was to be built on is gone; it is done anew.</summary>
internal sealed class PrunedBasisException(string message) : ArchiveException(message);
