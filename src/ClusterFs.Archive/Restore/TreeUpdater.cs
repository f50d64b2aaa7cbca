using ClusterFs.Archive.Capture;
using ClusterFs.Archive.Log;
using ClusterFs.Archive.Manifests;
using ClusterFs.Archive.Packs;
using ClusterFs.Posix;

namespace ClusterFs.Archive.Restore;

/// <summary>
/// Turns a tree, in whatever state it is, into that of a manifest, in place. What is right already costs a look at its status; of a large file the
/// pages are written that differ. Cut short anywhere, the tree is neither the old one nor the new, and nobody may take it for either; done again,
/// it comes out right. Nobody else writes the tree meanwhile.
/// </summary>
/// <param name="known">What is known of the tree.</param>
/// <param name="source">Another tree that may hold what is missing, and is left as it is; null when there is none.</param>
/// <param name="beforeTouch">Called once, before anything is changed.</param>
internal sealed class TreeUpdater(PackReader reader, PageIndexes indexes, string root, KnownTree known, StableSource? source, Action beforeTouch) : IDisposable
{
    private const long BytesToSync = 256 << 20;
    private const uint ReadFile = 0b100_000_000;
    private const uint ChangeFile = 0b110_000_000;
    private const uint ListDirectory = 0b101_000_000;
    private const uint ChangeDirectory = 0b011_000_000;
    private const uint PrivateDirectory = 0b111_000_000;

    private readonly KnownRows _rows = new(known.Rows);
    private readonly HashSet<(ulong Device, ulong Inode)> _shared = [];
    private readonly Stack<OpenDirectory> _open = new();
    private readonly byte[] _buffer = new byte[ContentCapture.MaxWhole];
    private IProgress<RestoreProgress>? _progress;
    private RestoreProgress _total = new(0, 0, 0, 0);
    private long _seed;
    private long _unsynced;

    /// <summary>Whether the tree was not that of the manifest.</summary>
    public bool Touched { get; private set; }

    /// <param name="each">Told every entry, in order.</param>
    /// <exception cref="HostileManifestException">The manifest asks for something no dump of ours contains; nothing was written outside the tree.</exception>
    /// <exception cref="DamagedArchiveException">A content is not what was stored.</exception>
    public void Update(
        Manifest manifest, StoredContent content, Action<ManifestEntry> each, IProgress<RestoreProgress>? progress, CancellationToken cancellation)
    {
        _progress = progress;
        _seed = manifest.Head.PageSeed;
        Advance(new RestoreProgress(0, content.Files, 0, content.Bytes));
        Enter(null, root, null, FileStatus.TryRead(root)!.Value);
        foreach (var entry in manifest.Entries())
        {
            cancellation.ThrowIfCancellationRequested();
            while (_open.Peek().Entry is { } directory && !entry.Path.StartsWith(directory.Path + "/", StringComparison.Ordinal))
            {
                Leave();
            }

            Update(entry, cancellation);
            each(entry);
        }

        while (_open.Count > 0)
        {
            Leave();
        }

        UpdateRoot(manifest.Root);
        Advance(_total);
    }

    public void Dispose() => _rows.Dispose();

    private void Update(ManifestEntry entry, CancellationToken cancellation)
    {
        var path = Path.Combine(root, entry.Path);
        var status = _open.Peek().Names.Has(Path.GetFileName(entry.Path)) ? FileStatus.TryRead(path) : null;
        var row = _rows.Find(entry.Path) is { } found ? known.About(found, status) : null;
        switch (entry.Kind)
        {
            case FileKind.Directory:
                UpdateDirectory(entry, path, status, row);
                break;
            case FileKind.SymbolicLink:
                UpdateLink(entry, path, status, row);
                break;
            case FileKind.File when entry.SameAs is { } first:
                UpdateName(Path.Combine(root, first), path, status);
                break;
            default:
                UpdateFile(entry, path, status, row, cancellation);
                Advance(_total with { Files = _total.Files + 1 });
                break;
        }
    }

    private void UpdateDirectory(ManifestEntry entry, string path, FileStatus? status, KnownEntry? row)
    {
        if (status is not { Kind: FileKind.Directory })
        {
            Clear(path, status);
            Directory.CreateDirectory(path, (UnixFileMode)PrivateDirectory);
            status = FileStatus.TryRead(path);
        }

        Enter(entry, path, row, status!.Value);
    }

    private void UpdateLink(ManifestEntry entry, string path, FileStatus? status, KnownEntry? row)
    {
        if (status is not { Kind: FileKind.SymbolicLink } || new FileInfo(path).LinkTarget != entry.Target)
        {
            Clear(path, status);
            File.CreateSymbolicLink(path, entry.Target!);
            Attribute(entry, path);
        }
        else if (!HasAttributes(path, status.Value, entry, row))
        {
            Touch();
            Attribute(entry, path);
        }
    }

    private void UpdateName(string first, string path, FileStatus? status)
    {
        if (FileStatus.TryRead(first) is not { } file || (status?.Inode, status?.Device) != (file.Inode, file.Device))
        {
            Clear(path, status);
            _ = Durable.TryLink(first, path);
        }
    }

    private void UpdateFile(ManifestEntry entry, string path, FileStatus? status, KnownEntry? row, CancellationToken cancellation)
    {
        // Files of their own that are one file here would change together. The first of them has it.
        var own = status is { Kind: FileKind.File } file && (file.Links == 1 || _shared.Add((file.Device, file.Inode)));
        if (!own)
        {
            Clear(path, status);
            using var target = TreeRestorer.Create(path);
            Fill(target, entry, null, cancellation);
        }
        else
        {
            var local = new LocalFile(path, status!.Value, row?.Content, row is { IsAsKnown: true, Content: not null });
            var allowed = !local.IsAsKnown && Allow(path, status.Value, ReadFile);
            if (local.Holds(entry.Content!, _seed, cancellation))
            {
                Advance(_total with { Bytes = _total.Bytes + entry.Content!.Size });
                if (!allowed && HasAttributes(path, status.Value, entry, row))
                {
                    return;
                }

                Touch();
            }
            else
            {
                Touch();
                Allow(path, status.Value, ChangeFile);
                using var target = new FileStream(path, new FileStreamOptions { Mode = FileMode.Open, Access = FileAccess.ReadWrite, BufferSize = 0 });
                Fill(target, entry, local, cancellation);
            }
        }

        Attribute(entry, path);
        if (_unsynced >= BytesToSync)
        {
            // Not all at the end: whoever wants this to stop would wait for it.
            Durable.SyncFileSystem(root);
            _unsynced = 0;
        }
    }

    /// <summary>Writes a content into a file.</summary>
    /// <param name="local">What is known of the file; null when it is empty and new.</param>
    private void Fill(FileStream target, ManifestEntry entry, LocalFile? local, CancellationToken cancellation)
    {
        var content = entry.Content!;
        var what = $"'{entry.Path}'";
        var total = _total;
        var hasMap = known.HasMaps;
        if (local is null && source?.Copy(entry, target.SafeFileHandle, cancellation) is { } copied)
        {
            _unsynced += content.Size;
            if (copied.IsSame)
            {
                Advance(_total with { Bytes = _total.Bytes + content.Size });
                return;
            }

            local = copied.File;
            hasMap = true;
        }

        if (content.Paged)
        {
            var pages = new PageRestorer(reader, indexes, _seed);
            var written = 0L;
            void Done(long bytes)
            {
                Advance(_total with { Bytes = _total.Bytes + bytes });
                _unsynced += pages.Written - written;
                written = pages.Written;
                if (_unsynced >= BytesToSync)
                {
                    RandomAccess.FlushToDisk(target.SafeFileHandle);
                    _unsynced = 0;
                }
            }

            using var old = hasMap && local is { Known: { Paged: true } before } ? indexes.TryOpen(before.Digest) : null;
            if (old is not null)
            {
                try
                {
                    pages.Patch(target.SafeFileHandle, content, local!, old, what, Done, cancellation);
                    return;
                }
                catch (DamagedArchiveException)
                {
                    // The file, or what is known of it, may be to blame: the archive alone decides.
                    _total = total;
                }
            }

            RandomAccess.SetLength(target.SafeFileHandle, 0);
            pages.Write(target.SafeFileHandle, content, what, Done, cancellation);
            return;
        }

        RandomAccess.SetLength(target.SafeFileHandle, 0);
        target.Position = 0;
        using var stored = new ContentStream(reader, content, _seed, what);
        int read;
        while ((read = stored.Read(_buffer)) > 0)
        {
            target.Write(_buffer, 0, read);
            _unsynced += read;
            Advance(_total with { Bytes = _total.Bytes + read });
        }
    }

    private void UpdateRoot(RootAttributes attributes)
    {
        var status = FileStatus.TryRead(root)!.Value;
        var read = RootAttributes.Read(root, status);
        if (read.Mode != attributes.Mode
            || !Equals(read.Attributes, attributes.Attributes)
            || (Processes.IsRoot && (read.User, read.Group) != (attributes.User, attributes.Group)))
        {
            Touch();
            TreeRestorer.AttributeRoot(root, attributes);
        }
    }

    private void Enter(ManifestEntry? entry, string path, KnownEntry? row, FileStatus status)
    {
        Allow(path, status, ListDirectory);
        var names = Directory.EnumerateFileSystemEntries(path).Select(one => Path.GetFileName(one)!).ToList();
        names.Sort(string.CompareOrdinal);
        _open.Push(new OpenDirectory(entry, path, row, new SortedNames(names, Remove)));
    }

    /// <summary>Deepest first: making an entry changes its directory's time, and a directory may deny us writing once it has its mode.</summary>
    private void Leave()
    {
        var directory = _open.Peek();
        directory.Names.PassRest();
        _open.Pop();
        if (directory.Entry is { } entry
            && FileStatus.TryRead(directory.Path) is { } status
            && !HasAttributes(directory.Path, status, entry, directory.Row is { } row ? known.About(row.Row, status) : null))
        {
            Touch();
            Attribute(entry, directory.Path);
        }
    }

    /// <summary>Removes a name of the innermost directory that was not asked for.</summary>
    private void Remove(string name)
    {
        var path = Path.Combine(_open.Peek().Path, name);
        Clear(path, FileStatus.TryRead(path));
    }

    /// <summary>Makes room for a new entry in the innermost directory.</summary>
    private void Clear(string path, FileStatus? status)
    {
        Touch();
        var directory = _open.Peek();
        Allow(directory.Path, FileStatus.TryRead(directory.Path)!.Value, ChangeDirectory);
        if (status is not null)
        {
            ScratchTree.Delete(path);
        }
    }

    /// <summary>Lets this process do something that the mode of its own file denies. The mode is put right when the entry is left.</summary>
    /// <returns>Whether the mode was changed.</returns>
    private bool Allow(string path, FileStatus status, uint needed)
    {
        if (Processes.IsRoot || (status.Mode & needed) == needed)
        {
            return false;
        }

        Touch();
        FileAttribution.SetMode(path, status.Mode | needed);
        return true;
    }

    /// <summary>What it had before is taken away too, be it its own or given to it by the directory it was made in.</summary>
    private void Attribute(ManifestEntry entry, string path)
    {
        TreeRestorer.SetAttributes(path, entry.Attributes?.Attributes ?? []);
        TreeRestorer.Attribute(entry, root);
    }

    private static bool HasAttributes(string path, FileStatus status, ManifestEntry entry, KnownEntry? row) =>
        EntryAttributes.AreOf(entry, path, status, row is { IsAsKnown: true } ? row.Row.Entry : null);

    private void Touch()
    {
        if (!Touched)
        {
            beforeTouch();
            Touched = true;
        }
    }

    private void Advance(RestoreProgress total)
    {
        _total = total with { Fetched = reader.BytesRead };
        _progress?.Report(_total);
    }

    private sealed class OpenDirectory(ManifestEntry? entry, string path, KnownEntry? row, SortedNames names)
    {
        public ManifestEntry? Entry => entry;

        public string Path => path;

        public KnownEntry? Row => row;

        public SortedNames Names => names;
    }
}
