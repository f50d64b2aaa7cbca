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

    private const uint OpenToAll = 0x1ED;
    private const uint OthersMayPass = 0x1;

    private readonly TimeProvider _time;
    private readonly Action<string> _reached;
    private (ulong Inode, ulong Device, long Modified, long Changed) _seen;
    private long _seenSince;
    private Generation? _newest;
    private string? _noted;

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

    /// <summary>Of each node, which files it serves from here.</summary>
    internal string Serving => Path.Combine(Root, "serving");

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
                    _newest = Newest(cancellation);
                }

                var switched = SealedJson.TryRead(SwitchedFile, StaticJson.Default.SwitchedRecord);
                return new StaticSight(_newest, switched?.Line == _newest?.Line ? switched?.Generation ?? 0 : 0);
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
        return ([.. Archive.List(cancellation).OfType<DumpRecord>().Select(dump => Generation.Of(dump, LineName(cancellation)))], sight.Switched);
    }

    /// <summary>A generation with these files; null when there is none any more.</summary>
    internal Generation? Find(string files, CancellationToken cancellation) =>
        Archive.List(cancellation).OfType<DumpRecord>().Where(dump => dump.Content.Manifest.Pack == files)
            .Select(dump => Generation.Of(dump, LineName(cancellation))).LastOrDefault();

    internal Generation? Newest(CancellationToken cancellation) =>
        Archive.NewestDump(cancellation) is { } record ? Generation.Of(record, LineName(cancellation)) : null;


    /// <summary>Notes, for nodes that are away, that a generation is served. Generations only grow: an older note that comes late is mended by the next look.</summary>
    public void NoteSwitched(long generation, string line) => SharedStorage.Reach(SwitchedFile, () =>
        Durable.Replace(SwitchedFile, SealedJson.Write(new SwitchedRecord(generation, line), StaticJson.Default.SwitchedRecord)));

    /// <summary>
    /// Notes which files a node serves from here, or is about to: they stay, however old they are. A node whose daemon is stopped, or that cannot switch, serves
    /// them on.
    /// </summary>
    /// <param name="files">Names of generations' files; none takes the note away.</param>
    internal void NoteServing(string node, IEnumerable<string> files)
    {
        string[] all = [.. files.Distinct().Order(StringComparer.Ordinal)];
        var noted = string.Join(' ', all);
        if (noted == _noted)
        {
            return;
        }

        SharedStorage.Reach(Serving, () =>
        {
            var file = Path.Combine(Serving, node);
            if (all.Length > 0)
            {
                Durable.CreateDirectory(Serving);
                Durable.Replace(file, SealedJson.Write(new ServingRecord(all), StaticJson.Default.ServingRecord));
            }
            else if (Directory.Exists(Serving))
            {
                File.Delete(file);
            }
        });
        _noted = noted;
    }

    /// <summary>
    /// Files are deleted an hour after they were marked, unless somebody has noted by then that he serves them. So who notes first, and finds no mark then,
    /// keeps them.
    /// </summary>
    /// <exception cref="StaticException">They are marked.</exception>
    internal void RequireKept(Generation generation)
    {
        if (SharedStorage.Reach(Trees, () => FileStatus.TryRead(TreeOf(generation) + TreeRetention.Doomed)) is not null)
        {
            throw new StaticException($"{Archive.Service}: generation {generation.Number} was pruned before it could be served; the newest is looked for");
        }
    }

    private string LineName(CancellationToken cancellation) => Archive.Log.Read(1, cancellation).Nonce;

    /// <summary>Makes an older generation the newest: as a new one that has its files. Nothing is stored again.</summary>
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
    /// <returns>What somebody should look at.</returns>
    public IReadOnlyList<string> MakeTree(Generation generation, Generation? before, Action<long, long> advanced, CancellationToken cancellation)
    {
        if (FindTree(generation) is not null)
        {
            return [];
        }

        using var mark = Archive.Mark(generation.Content);
        using var reader = Archive.NewReader();
        var building = Path.Combine(Trees, $".{generation.Files}.{Guid.NewGuid():N}");
        return SharedStorage.Reach<IReadOnlyList<string>>(Trees, () =>
        {
            var warnings = new List<string>();
            if (FileStatus.TryRead(Trees) is null)
            {
                Durable.CreateDirectory(Trees);
                OpenWay();
            }

            if (ClosedOnWay() is { } closed)
            {
                warnings.Add($"{closed} is closed to other users, and so is what is served from there: a web server may need chmod 755 on it");
            }

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

                if (writer.GroupsRefused)
                {
                    warnings.Add($"{Trees}: shared storage lets nobody set groups; files served from there have the one that it says");
                }

                return warnings;
            }
            finally
            {
                Trash.Delete(building);
            }
        });
    }

    /// <summary>Web servers are not root, and whoever publishes first may have a umask that closes what he makes. Later modes are the operator's.</summary>
    private void OpenWay()
    {
        foreach (var directory in Way)
        {
            FileAttribution.SetMode(directory, OpenToAll);
        }
    }

    private string? ClosedOnWay() => Way.Append(Archive.Layout.Home).FirstOrDefault(directory => (FileStatus.TryRead(directory)?.Mode & OthersMayPass) == 0);

    private IEnumerable<string> Way
    {
        get
        {
            for (var directory = Trees; directory != Archive.Layout.Home; directory = Path.GetDirectoryName(directory)!)
            {
                yield return directory;
            }
        }
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
                return Generation.Of(dump, LineName(cancellation));
            }
        }
    }

    /// <summary>
    /// Prunes all but the newest generations, and frees the space of what was pruned a while ago. Files that are served as they are stay for an hour longer:
    /// a client of another node may have them open; and those that a node serves, for as long as it does.
    /// </summary>
    /// <param name="nodes">Those that serve the content, by name.</param>
    public void Prune(int keep, IReadOnlyCollection<string> nodes, CancellationToken cancellation)
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
        new TreeRetention(this, nodes).Run(cancellation);
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
