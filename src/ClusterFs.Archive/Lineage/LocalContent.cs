using System.Security.Cryptography;
using System.Text;
using ClusterFs.Archive.Capture;
using ClusterFs.Archive.Log;
using ClusterFs.Archive.Manifests;
using ClusterFs.Archive.Packs;
using ClusterFs.Archive.Restore;
using ClusterFs.Posix;

namespace ClusterFs.Archive.Lineage;

/// <summary>
/// The live content of a service on this node, and all that moves it into and out of the archive. One object per live path: a lock keeps
/// other processes out. All methods may be called from any thread; all but <see cref="AtRisk"/> wait for each other and block on files, so run
/// them on threads of their own.
/// </summary>
/// <exception cref="LocalContentException">From every method: the local content cannot be read or replaced.</exception>
/// <exception cref="SharedStorageException">From every method but <see cref="AtRisk"/>: shared storage is away. Nothing has changed; call again.</exception>
/// <exception cref="DamagedArchiveException">From every method but <see cref="AtRisk"/>: the archive is not what was written.</exception>
public sealed partial class LocalContent : IDisposable
{
    private const long DefaultKeptFrom = 64L << 20;

    /// <summary>What is changed in place is written twice, and not in order: of more than this part of the content, another tree is written as soon.</summary>
    private const int WorthwhileShare = 4;

    private const int MostChanges = 20_000;

    private readonly ServiceArchive _archive;
    private readonly string _live;
    private readonly string _node;
    private readonly CaptureMode _mode;
    private readonly MarkerDirectory _directory;
    private readonly StandbyCopy _standby;
    private readonly FileSystemClock _clock;
    private readonly CapturePreparation _preparation;
    private readonly KeptFiles _kept;
    private readonly bool _keepsBlocks;
    private readonly SemaphoreSlim _turn = new(1);
    private volatile LocalIndex? _index;
    private volatile LocalIndex? _seen;
    private volatile string? _whyNotKept;
    private ManifestRoot? _head;
    private (string Pack, ulong? Id)? _headKey;

    private LocalContent(ServiceArchive archive, string live, string node, CaptureSettings capture, MarkerDirectory directory, Func<string, long>? stamp)
    {
        _archive = archive;
        _live = live;
        _node = node;
        _mode = capture.Mode;
        _directory = directory;
        _standby = new StandbyCopy(directory, archive.Service);
        _clock = new FileSystemClock(directory.Scratch) { Stamp = stamp ?? FileSystemClock.StampProbe };
        _preparation = new CapturePreparation(
            capture, archive.Service, node, new CapturePlaces(live, directory.Scratch, directory.QuiesceFile, directory.SeenFile), _clock);
        _kept = new KeptFiles(directory.Kept);
        _keepsBlocks = capture.KeepsBlocks;
        _index = LocalIndex.TryOpen(directory.IndexFile);
        _seen = LocalIndex.TryOpen(directory.SeenFile);
    }

    /// <summary>Makes durable what the service wrote to the live path's file system; another in tests.</summary>
    internal Action<string> SyncLive { get; init; } = Durable.SyncFileSystem;

    /// <summary>From which size on the next dump of a file is to find what changed by where it lies, in bytes: below, reading takes as long.</summary>
    internal long KeptFrom { get; init; } = DefaultKeptFrom;

    /// <summary>How much may differ for the content to be changed in place; another in tests.</summary>
    internal Func<StoredContent, ChangeLimits> LimitsOf { get; init; } = DefaultLimitsOf;

    /// <summary>Told of each large file how many of its bytes a dump took over unread, in tests.</summary>
    internal Action<string, long>? TakenOver { get; init; }

    /// <summary>Where an operation may be cut short, in tests.</summary>
    internal Action<string> AtPoint { get; init; } = _ => { };

    /// <summary>The epoch under which the content was last opened on this node; null when it never was.</summary>
    public long? Epoch => _directory.Load(_archive.Service, _node)?.Content?.Epoch;

    /// <summary>Why the service may still stand still for a dump that is over: its resume hook failed. Null when it does not.</summary>
    public string? ResumeProblem => _preparation.ResumeProblem;

    /// <summary>What is kept of the newest dump's large files, so that the next finds what changed by where it lies. Looks at local disks only.</summary>
    public KeptFigures Kept
    {
        get
        {
            var (files, bytes) = _kept.Figures;
            return new KeptFigures(files, bytes, _whyNotKept);
        }
    }

    /// <summary>
    /// Opens the content of a live path. Creates the marker directory `.NAME.clusterfs` beside it and touches nothing else; a service that stands
    /// still for a dump whose process died is let go.
    /// </summary>
    /// <param name="livePath">A directory, or a name that is free. Neither a symbolic link nor a mount point.</param>
    /// <param name="node">The name of this node.</param>
    public static LocalContent Open(ServiceArchive archive, string livePath, string node, CaptureSettings capture) =>
        Open(archive, livePath, node, capture, _ => { });

    /// <inheritdoc cref="Open(ServiceArchive, string, string, CaptureSettings)"/>
    public static LocalContent Open(ServiceArchive archive, string livePath, string node, CaptureMode mode) =>
        Open(archive, livePath, node, new CaptureSettings(mode));

    internal static LocalContent Open(
        ServiceArchive archive, string livePath, string node, CaptureMode mode, Action<string> atPoint, Action<string>? syncLive = null) =>
        Open(archive, livePath, node, new CaptureSettings(mode) { LongestWrite = TimeSpan.Zero }, atPoint, syncLive);

    internal static LocalContent Open(
        ServiceArchive archive,
        string livePath,
        string node,
        CaptureSettings capture,
        Action<string> atPoint,
        Action<string>? syncLive = null,
        long? keptFrom = null,
        Action<string, long>? takenOver = null,
        Func<StoredContent, ChangeLimits>? limitsOf = null,
        Func<string, long>? stamp = null)
    {
        ArchiveLayout.RequireName(node, "node");
        var live = Path.TrimEndingDirectorySeparator(Path.GetFullPath(livePath));
        if (Path.GetDirectoryName(live) is not { } parent)
        {
            throw new LocalContentException("The root directory cannot be live content. Name a directory below it.");
        }

        RequireReplaceable(live, parent);
        var content = new LocalContent(archive, live, node, capture, MarkerDirectory.Open(live), stamp)
        {
            AtPoint = atPoint,
            SyncLive = syncLive ?? Durable.SyncFileSystem,
            KeptFrom = keptFrom ?? DefaultKeptFrom,
            TakenOver = takenOver,
            LimitsOf = limitsOf ?? DefaultLimitsOf,
        };
        try
        {
            return Locally(() =>
            {
                content._preparation.PutInOrder();
                if (content._keepsBlocks)
                {
                    content._kept.CleanUp();
                }
                else
                {
                    content._kept.Drop();
                }

                return content;
            });
        }
        catch
        {
            content.Dispose();
            throw;
        }
    }

    /// <summary>
    /// What would be lost if the node died now: cheap, from the identities of files alone, without reading any and without shared storage.
    /// </summary>
    public RiskEstimate AtRisk() => Locally(() =>
    {
        try
        {
            // A command's copy has files of its own, whose identities say nothing of the live ones.
            return RiskScan.Estimate(_live, _seen is { } seen && seen.Subject == _index?.Subject ? seen : _index);
        }
        catch (DamagedIndexException)
        {
            return RiskScan.Estimate(_live, null);
        }
    });

    /// <summary>
    /// Whether nothing can have been written here under an epoch that was granted to this node. The archive is asked too: a disk that was replaced
    /// does not know what it held.
    /// </summary>
    public bool WasNeverOpened(long epoch, CancellationToken cancellation) => InTurn(
        () =>
        {
            _archive.Layout.RequireHome();
            var marker = LoadMarker();
            return marker.Content?.Epoch != epoch && !_archive.Log.ReadFrom(1, cancellation)
                .Any(record => record.Epoch == epoch
                    && (record is DumpRecord { Adopts: null } || (record is ClaimRecord && record.Nonce != marker.Pending?.Nonce)));
        },
        cancellation);

    /// <summary>Completes what an operation began that was cut short, or takes it back, as each does first. Needs no shared storage.</summary>
    public void PutInOrder(CancellationToken cancellation) => InTurn(LoadMarker, cancellation);

    public void Dispose()
    {
        _directory.Dispose();
        _turn.Dispose();
    }

    private static ChangeLimits DefaultLimitsOf(StoredContent content) => new(content.Bytes / WorthwhileShare, MostChanges);

    private static void RequireReplaceable(string live, string parent)
    {
        if (FileStatus.TryRead(live) is not { } status)
        {
            return;
        }

        if (status.Kind != FileKind.Directory)
        {
            throw new LocalContentException($"{live} is not a directory. live.path must name one, or a name that is free.");
        }

        if (FileStatus.TryRead(parent) is { } above && above.Device != status.Device)
        {
            throw new LocalContentException($"{live} is a mount point or a subvolume of its own, and cannot be exchanged by a rename. Let live.path name a directory below it.");
        }
    }

    private static T Locally<T>(Func<T> action)
    {
        try
        {
            return action();
        }
        catch (Exception error) when (error is UnauthorizedAccessException or IOException and not ArchiveException)
        {
            throw new LocalContentException($"{error.Message.TrimEnd('.')}. Check the disk, and the rights of the daemon's user.", error);
        }
    }

    private T InTurn<T>(Func<T> action, CancellationToken cancellation)
    {
        _turn.Wait(cancellation);
        try
        {
            try
            {
                return Locally(action);
            }
            catch (DamagedIndexException)
            {
                // Every operation may be called again, and without an index it reads everything.
                File.Delete(_directory.IndexFile);
                _index = null;
                return Locally(action);
            }
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>The marker, after putting in order what a crash left.</summary>
    private LineageMarker LoadMarker()
    {
        if (_directory.Load(_archive.Service, _node) is not { } marker)
        {
            ChangeInPlace.RequireNone(_directory, _live);
            marker = new LineageMarker(_archive.Service, _node);
        }

        if (marker.Swap is { } swap)
        {
            marker = TreeSwap.Recover(_directory, _live, swap)
                ? marker with { Content = swap.Origin, Pending = null, Swap = null, Kept = null }
                : marker with { Swap = null };
            SaveOrRemove(marker);
        }

        if (marker.Change is { } change)
        {
            var isNew = ChangeInPlace.Recover(_directory, _live, change, AtPoint);
            marker = marker.With(null);
            marker = isNew ? marker with { Content = change.Origin, Pending = null, Kept = null } : marker;
            SaveOrRemove(marker);
        }

        _standby.Reclaim();
        _directory.CleanUp();
        _kept.CleanUp();
        return marker;
    }

    /// <summary>A marker that says nothing would pass for that of content which was held under an epoch.</summary>
    private void SaveOrRemove(LineageMarker marker)
    {
        if (marker is { Content: null, Pending: null, Swap: null, Change: null, Kept: null })
        {
            _directory.RemoveMarker();
        }
        else
        {
            _directory.Save(marker);
        }
    }

    /// <summary>Adds the dump of our own epoch that a crash kept from the marker, and looks for the claim that ended it.</summary>
    private CaughtUp CatchUp(ContentOrigin origin, CancellationToken cancellation)
    {
        var opened = _archive.Log.Read(origin.ClaimSlot, cancellation);
        if (opened.Nonce != origin.ClaimNonce)
        {
            throw new LocalContentException(
                $"{_live} was opened by a claim in slot {origin.ClaimSlot} that is not in {_archive.Root}: this is another archive. Mount the right shared storage.");
        }

        var last = _archive.Log.Read(origin.LastSlot, cancellation);
        if (origin.LastNonce is { } nonce && last.Nonce != nonce)
        {
            // Its file system let this node take a slot that others had: what the content derives from is not known.
            origin = origin with { DumpSlot = null, LastSlot = origin.ClaimSlot, LastNonce = null };
            last = opened;
        }

        DumpRecord? newest = null;
        LogRecord? end = null;
        while (end is null && _archive.Log.TryRead(last.Slot + 1) is { } next)
        {
            if (LogRules.Objection(last, next) is { } objection)
            {
                throw new DamagedArchiveException(_archive.Log.FileOf(next.Slot), objection);
            }

            if (LogRules.EndsEpoch(next))
            {
                end = next;
            }
            else
            {
                last = next;
                newest = next as DumpRecord ?? newest;
            }
        }

        if (last.Slot == origin.LastSlot)
        {
            return new CaughtUp(origin, end, null);
        }

        _archive.Log.Sync();
        if (LineageRules.IsBehind(origin, newest))
        {
            return new CaughtUp(origin, end, newest);
        }

        var reached = origin with { LastSlot = last.Slot, LastNonce = last.Nonce };
        return new CaughtUp(newest is null ? reached : reached with { DumpSlot = newest.Slot, Rewound = false }, end, null);
    }

    private DumpRecord? DumpAt(long? slot, CancellationToken cancellation) => slot is not { } number
        ? null
        : _archive.Log.Read(number, cancellation) as DumpRecord
            ?? throw new DamagedArchiveException(_archive.Log.FileOf(number), "it should hold a dump");

    /// <summary>A dump that content derives from and that need not be the head: it may have been pruned, and then nothing can be built on it.</summary>
    private DumpRecord? UnprunedDumpAt(long? slot, CancellationToken cancellation) =>
        DumpAt(slot, cancellation) is { } dump && !_archive.Log.ReadFrom(dump.Slot, cancellation).OfType<PruneRecord>().Any(prune => prune.Prunes(dump.Slot))
            ? dump
            : null;

    private Manifest ManifestOf(DumpRecord dump, PackReader reader) => Manifest.Open(reader, dump.Content.Manifest, _archive.Service);

    /// <summary>The head of a dump's manifest, without reading it again for every dump that finds nothing changed.</summary>
    private ManifestRoot HeadOf(DumpRecord dump, PackReader reader)
    {
        if (_head?.Nonce != dump.Content.Manifest.Pack)
        {
            _head = ManifestOf(dump, reader).Head;
        }

        return _head;
    }

    /// <summary>The number of the key that a dump's manifest is under; null when it is not encrypted.</summary>
    private ulong? KeyOf(DumpRecord dump, PackReader reader)
    {
        var pack = dump.Content.Manifest.Pack;
        if (_headKey?.Pack != pack)
        {
            _headKey = (pack, reader.KeyIdOf(PackId.Parse(pack)));
        }

        return _headKey.Value.Id;
    }

    private LocalState StateOfLocal() => FileStatus.TryRead(_live) switch
    {
        null => LocalState.Absent,
        { Kind: FileKind.Directory } => Directory.EnumerateFileSystemEntries(_live).Any() ? LocalState.Present : LocalState.Empty,
        _ => throw new LocalContentException($"{_live} is not a directory. Move it away."),
    };

    private RootAttributes AttributesOfRoot() => FileStatus.TryRead(_live) is { Kind: FileKind.Directory } status
        ? RootAttributes.Read(_live, status)
        : throw new LocalContentException($"{_live} is not a directory any more, so there is nothing to dump. Restore it, or move the service.");

    private static string NewNonce() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(PackFormat.NonceLength / 2));

    private (string Fingerprint, bool Settled) FingerprintOfLive(CancellationToken cancellation)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var settled = true;
        foreach (var entry in Look(CaptureMode.Raw, null).Entries(cancellation))
        {
            var directory = entry.Status.Kind == FileKind.Directory;
            settled &= directory || entry.Settled;
            hash.AppendData(Encoding.UTF8.GetBytes(
                $"{entry.Path}\0{entry.Status.Kind}\0{entry.Status.Mode}\0{(directory ? default : entry.Identity)}\0"));
            if (directory)
            {
                // The identity of all else changes with them.
                hash.AppendData(Encoding.UTF8.GetBytes($"{entry.Status.User}\0{entry.Status.Group}\0"));
                hash.AppendData(AttributeList.ReadFrom(Path.Combine(_live, entry.Path)) is { } attributes ? attributes.Stored : []);
            }
        }

        DivergentStore.AddTo(hash, AttributesOfRoot());

        return (Digest.Take(hash).ToString(), settled);
    }

    /// <summary>The origin of the content, seen against the line.</summary>
    /// <param name="SupersededBy">The record that ended the epoch; null while none is visible.</param>
    /// <param name="Ahead">The newest dump of the epoch, if the content may lack what it holds; the origin is then as the marker has it.</param>
    private sealed record CaughtUp(ContentOrigin Origin, LogRecord? SupersededBy, DumpRecord? Ahead);
}
