using ClusterFs.Archive.Capture;
using ClusterFs.Archive.Log;
using ClusterFs.Archive.Manifests;
using ClusterFs.Archive.Packs;
using ClusterFs.Posix;

namespace ClusterFs.Archive.Restore;

/// <summary>
/// Finds out what makes the tree of a manifest of a tree that nobody writes, without changing it: fetches, verifies and stages what that takes. Gives up as
/// soon as building another tree is as good, or something is unusual.
/// </summary>
/// <param name="copy">The tree.</param>
/// <param name="seenEntries">Told of each entry what is there.</param>
internal sealed partial class ChangePlanner(
    PackReader reader, PageIndexes indexes, LocalCopy copy, string root, ChangeStage stage, ChangeDirectory directory, SeenEntries seenEntries)
{
    /// <summary>Without these its owner may not give a directory another parent, nor write in it.</summary>
    private const uint MovableDirectory = 0b111_000_000;

    private const uint SetIdentity = 0b110_000_000_000;
    private const string Capabilities = "security.capability";

    private readonly bool _isRoot = Processes.IsRoot;
    private readonly HashSet<(ulong Device, ulong Inode)> _met = [];
    private readonly Dictionary<string, KeptFile?> _firsts = new(StringComparer.Ordinal);
    private readonly Stack<Entered> _open = new();
    private readonly List<PlannedChange> _absent = [];
    private readonly List<PlannedChange> _directories = [];
    private readonly List<PlannedChange> _placed = [];
    private readonly List<PlannedChange> _patched = [];
    private readonly List<PlannedChange> _linked = [];
    private readonly List<PlannedChange> _attributed = [];
    private IProgress<RestoreProgress>? _progress;
    private RestoreProgress _total = new(0, 0, 0, 0);
    private long _seed;
    private ulong _device;
    private long _seenAt;

    /// <summary>Why it was given up; null while it was not.</summary>
    public string? Objection { get; private set; }

    /// <param name="seenAt">By the clock of the tree's file system, before anything of it was looked at.</param>
    /// <returns>Null when it was given up.</returns>
    /// <exception cref="HostileManifestException">The manifest asks for something no dump of ours contains.</exception>
    /// <exception cref="DamagedArchiveException">A content is not what was stored.</exception>
    public ChangePlan? TryPlan(
        Manifest manifest, StoredContent content, long seenAt, IProgress<RestoreProgress>? progress, CancellationToken cancellation)
    {
        _seenAt = seenAt;
        try
        {
            return Plan(manifest, content, progress, cancellation);
        }
        finally
        {
            foreach (var entered in _open)
            {
                entered.Dispose();
            }
        }
    }

    private ChangePlan? Plan(Manifest manifest, StoredContent content, IProgress<RestoreProgress>? progress, CancellationToken cancellation)
    {
        _progress = progress;
        _seed = manifest.Head.PageSeed;
        Advance(new RestoreProgress(0, content.Files, 0, content.Bytes));
        if (OpenDirectory.TryOpen(root) is not { } opened)
        {
            Object("it is no directory");
            return null;
        }

        Enter(new Entered(null, opened, Remove));
        var status = opened.Status;
        _device = status.Device;
        if (MountPoints.Below(MountPoints.RealPathOf(root)).Count > 0)
        {
            Object("something is mounted in it");
            return null;
        }

        RequireMine(status);
        RequireChangeable(status);
        if (!_isRoot && (status.Mode & manifest.Root.Mode & MovableDirectory) != MovableDirectory)
        {
            Object("its mode does not let it be moved");
        }

        if (Objection is not null)
        {
            return null;
        }

        var filler = new ContentFiller(
            reader, indexes, indexes, _seed, alone: false, bytes => Advance(_total with { Bytes = _total.Bytes + bytes }));
        foreach (var entry in manifest.Entries())
        {
            cancellation.ThrowIfCancellationRequested();
            while (_open.Peek().Entry is { } above && !entry.Path.StartsWith(above.Path + "/", StringComparison.Ordinal))
            {
                Leave();
            }

            Plan(entry, filler, cancellation);
            if (!stage.HasRoomFor(0, Changes))
            {
                Object("too much of it differs");
            }

            if (Objection is not null)
            {
                return null;
            }
        }

        while (_open.Count > 1)
        {
            Leave();
        }

        LeaveRoot(manifest.Root);
        foreach (var kept in _firsts.Values)
        {
            if (kept is not null && kept.Names != kept.Links)
            {
                Object("a file in it has a name elsewhere");
            }
        }

        return Objection is not null
            ? null
            : new ChangePlan(
                [.. _absent, .. _directories, .. _placed, .. _patched, .. _linked, .. _attributed], stage.PagesLength, stage.PagesHash, _seed);
    }

    private int Changes => _absent.Count + _directories.Count + _placed.Count + _patched.Count + _linked.Count + _attributed.Count;

    private void Object(string why) => Objection ??= why;

    private void Plan(ManifestEntry entry, ContentFiller filler, CancellationToken cancellation)
    {
        var name = Path.GetFileName(entry.Path);
        var path = _open.Peek().Names.Has(name) ? _open.Peek().Directory![name] : null;
        var status = path is null ? null : FileStatus.TryRead(path);
        var row = copy.RowOf(entry);
        if (status is { } seen && seen.Device != _device)
        {
            Object($"{entry.Path} lies on another file system");
            return;
        }

        if (status is { } met)
        {
            RequireChangeable(met);
            if (met.Kind == FileKind.Directory && entry.Kind != FileKind.Directory)
            {
                RequireMine(met);
            }
        }

        var isKnown = row is not null && row.Settled && status is { } now && now.Kind == row.Entry.Kind && FileIdentity.Of(now) == row.Identity;
        if (isKnown)
        {
            seenEntries.AddKnown();
        }
        else
        {
            seenEntries.Add(status is not { } left ? null : FileSystemClock.IsSettled(left, _seenAt) ? FileIdentity.Of(left) : default(FileIdentity));
        }

        var known = isKnown ? row!.Entry : null;
        switch (entry.Kind)
        {
            case FileKind.Directory:
                PlanDirectory(entry, path!, status, known);
                break;
            case FileKind.SymbolicLink:
                PlanLink(entry, path!, status, known);
                break;
            case FileKind.File when entry.SameAs is { } first:
                PlanName(entry, first, status);
                break;
            default:
                PlanFile(entry, path!, status, row, filler, cancellation);
                _total = _total with { Files = _total.Files + 1 };
                break;
        }
    }

    private void PlanDirectory(ManifestEntry entry, string path, FileStatus? status, ManifestEntry? known)
    {
        if (status is { Kind: FileKind.Directory } seen)
        {
            if (_open.Peek().Directory!.TryOpenBelow(Path.GetFileName(entry.Path)) is not { } opened || opened.Status.Inode != seen.Inode)
            {
                Object($"{entry.Path} was replaced while it was looked at");
                return;
            }

            Enter(new Entered(entry, opened, Remove) { IsRight = EntryAttributes.AreOf(entry, path, seen, known) });
            return;
        }

        Change(entry.Path);
        _directories.Add(new PlannedChange.MadeDirectory(entry.Path));
        Enter(new Entered(entry, null, Remove) { IsTouched = true });
    }

    private void PlanLink(ManifestEntry entry, string path, FileStatus? status, ManifestEntry? known)
    {
        if (status is { Kind: FileKind.SymbolicLink } seen
            && (known is null ? new FileInfo(path).LinkTarget : known.Target) == entry.Target
            && EntryAttributes.AreOf(entry, path, seen, known))
        {
            return;
        }

        Change(entry.Path);
        var (number, staged) = stage.Next(0);
        File.CreateSymbolicLink(staged, entry.Target!);
        Attribute(entry, number);
        _placed.Add(new PlannedChange.Placed(entry.Path, number));
    }

    private void PlanName(ManifestEntry entry, string first, FileStatus? status)
    {
        if (_firsts[first] is { } kept && status is { Kind: FileKind.File } seen && seen.Inode == kept.Inode)
        {
            kept.Names++;
            return;
        }

        Change(entry.Path);
        _linked.Add(new PlannedChange.Linked(entry.Path, first));
    }

    private void PlanFile(
        ManifestEntry entry, string path, FileStatus? status, IndexRow? row, ContentFiller filler, CancellationToken cancellation)
    {
        var local = status is { Kind: FileKind.File } seen ? LocalCopy.About(row, path, seen) : null;

        // Files of their own that are one file here would change together. Names of one file that are to be that have it, the first of them.
        var own = local is not null && (local.Status.Links == 1 || (entry.IsShared && _met.Add((local.Status.Device, local.Status.Inode))));
        var isSame = local is not null && copy.Holds(local, entry.Content!, cancellation);
        if (own && isSame && EntryAttributes.AreOf(entry, path, local!.Status, local.Entry))
        {
            Advance(_total with { Bytes = _total.Bytes + entry.Content!.Size });
            Keep(entry, local.Status);
            return;
        }

        if (own && local!.Status.Links == 1 && (isSame || TryPatch(entry, local, cancellation)))
        {
            Advance(_total with { Bytes = _total.Bytes + (isSame ? entry.Content!.Size : 0) });
            Keep(entry, local.Status);
            RequireMine(local.Status);
            RequireHarmless(entry);
            _attributed.Add(AttributesOf(entry));

            // What was read, and not kept from others since, is read again by the next dump.
            seenEntries.Change(entry.Path, isSame ? default(FileIdentity) : null);
            return;
        }

        if (Objection is not null)
        {
            return;
        }

        if (!stage.HasRoomFor(entry.Content!.Size, Changes))
        {
            Object("too much of it differs");
            return;
        }

        Change(entry.Path);
        var (number, staged) = stage.Next(entry.Content.Size);
        using (var target = TreeRestorer.Create(staged))
        {
            filler.Fill(target, entry, local, isSame, cancellation);
        }

        Attribute(entry, number);
        _placed.Add(new PlannedChange.Placed(entry.Path, number));
        if (entry.IsShared)
        {
            _firsts[entry.Path] = null;
        }
    }

    /// <summary>Stages the pages that a large file has not.</summary>
    /// <returns>False where the file cannot be patched; nothing was staged then, or it was objected.</returns>
    private bool TryPatch(ManifestEntry entry, LocalFile local, CancellationToken cancellation)
    {
        var content = entry.Content!;
        using var old = content.Paged && local.Known is { Paged: true } known ? indexes.TryOpen(known.Digest) : null;
        if (old is null)
        {
            return false;
        }

        if (stage.TryHold(entry.Path, local) is not { } file)
        {
            Object($"{entry.Path} is open elsewhere, or nobody can tell");
            return false;
        }

        var start = stage.PagesLength;
        var ranges = new List<PatchedRange>();
        bool Take(long offset, ReadOnlySpan<byte> bytes, bool isHole)
        {
            if (ranges.Count > 0 && ranges[^1] is var last && last.IsHole == isHole && last.Offset + last.Length == offset)
            {
                ranges[^1] = last with { Length = last.Length + bytes.Length };
            }
            else
            {
                ranges.Add(new PatchedRange(offset, bytes.Length, isHole));
                stage.AddRange();
            }

            if (!isHole)
            {
                stage.AddPages(bytes);
            }

            return stage.HasRoomFor(0, Changes);
        }

        var pages = new PageRestorer(reader, indexes, _seed);
        try
        {
            if (!pages.Collect(
                content, local, file, old, Take, ContentFiller.Words(entry), bytes => Advance(_total with { Bytes = _total.Bytes + bytes }), cancellation))
            {
                Object("too much of it differs");
                return false;
            }
        }
        catch (DamagedArchiveException)
        {
            // The file, or what is known of it, may be to blame: building another tree finds out, because then the archive alone decides.
            Object($"{entry.Path} is not what is known of it");
            return false;
        }

        // A copy may have to take its place.
        Touch(_open.Peek());
        _patched.Add(new PlannedChange.Patched(entry.Path, content.Size, content.Digest, start, ranges));
        return true;
    }

    private void Keep(ManifestEntry entry, FileStatus status)
    {
        if (entry.IsShared)
        {
            _firsts[entry.Path] = new KeptFile(status.Inode, status.Links);
        }
    }

    /// <summary>Something of the innermost directory changes that has a name in it.</summary>
    private void Change(string path)
    {
        seenEntries.Change(path, null);
        Touch(_open.Peek());
    }

    private void Touch(Entered opened)
    {
        opened.IsTouched = true;
        if (opened.Status is { } status)
        {
            RequireMine(status);
        }
    }

    /// <summary>Only its owner, and root, can be sure to be allowed what the plan asks for.</summary>
    private void RequireMine(FileStatus status)
    {
        if (!_isRoot && status.User != Processes.EffectiveUser)
        {
            Object("some of it belongs to another user");
        }
    }

    private void RequireChangeable(FileStatus status)
    {
        if (status.IsFixed)
        {
            Object("some of it may not be changed, even by its owner");
        }
    }

    /// <summary>Attributes are given by name, to what has that name by then: none that would give another file of the service's user the rights of others.</summary>
    private void RequireHarmless(ManifestEntry entry)
    {
        if ((entry.Mode & SetIdentity) != 0 || entry.Attributes?.Attributes.Any(attribute => attribute.Name == Capabilities) == true)
        {
            Object("a file of it has the rights of others");
        }
    }

    private void Attribute(ManifestEntry entry, int staged) =>
        TreeRestorer.Attribute(entry with { Path = Path.GetFileName(directory.Staged(staged)) }, directory.Path);

    private static PlannedChange.Attributed AttributesOf(ManifestEntry entry) =>
        new(entry.Path, entry.Mode, entry.User, entry.Group, entry.ModifiedNs, entry.Attributes, entry.Kind == FileKind.Directory);

    private void Advance(RestoreProgress total)
    {
        _total = total with { Fetched = reader.BytesRead };
        _progress?.Report(_total);
    }

    /// <summary>A file that may have several names and stays.</summary>
    private sealed class KeptFile(ulong inode, uint links)
    {
        public ulong Inode => inode;

        public uint Links => links;

        /// <summary>Names that it has and keeps.</summary>
        public uint Names { get; set; } = 1;
    }
}
