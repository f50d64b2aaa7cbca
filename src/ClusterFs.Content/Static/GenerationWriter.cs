using ClusterFs.Archive.Capture;
using ClusterFs.Archive.Manifests;
using ClusterFs.Archive.Packs;
using ClusterFs.Archive.Restore;
using ClusterFs.Posix;

namespace ClusterFs.Content.Static;

/// <summary>A generation that lies in a directory already, in part or whole.</summary>
/// <param name="Directory">Where.</param>
/// <param name="Entries">What was put there; null when that is not known any more.</param>
internal sealed record WrittenGeneration(string Directory, IEnumerable<ManifestEntry>? Entries);

/// <summary>
/// Writes the files of a generation into a new directory. What the generation before has just so becomes a second name of the same file: a file of a
/// generation is never written again, so neither can change by the other. Everything else is fetched from the archive, and verified. All of it belongs to the
/// user of the writer, usually root, and nobody may write there, whatever the manifest says: an owner could put links in the place of directories, and
/// what root does there later would be done elsewhere. Who may read is as published. Not safe for use by several threads.
/// </summary>
/// <param name="before">Another generation on the same file system; null when there is none.</param>
internal sealed class GenerationWriter(PackReader reader, Manifest manifest, WrittenGeneration? before)
{
    private const uint PrivateDirectory = 0x1C0;
    private const uint MayRead = 0x16D;

    private readonly byte[] _buffer = new byte[ContentCapture.MaxWhole];
    private OwnedTree? _old;
    private uint _owner = Accounts.Current;

    /// <summary>Where not all files are to be written: which are, by path, and where the others lie, to which links are made. Null for all of them.</summary>
    public (IReadOnlySet<string> Here, string Elsewhere)? Part { get; init; }

    /// <summary>Called now and then, when something was read from the archive.</summary>
    public Action HasRead { get; init; } = () => { };

    /// <summary>Of the files that are here in the end.</summary>
    public long LocalBytes { get; private set; }

    /// <summary>Files that are second names of the generation's before.</summary>
    public long Linked { get; private set; }

    /// <summary>Bytes of the files that were written.</summary>
    public long Written { get; private set; }

    /// <summary>Groups could not be set: the storage refuses to (an NFS server with root_squash).</summary>
    public bool GroupsRefused { get; private set; }

    /// <param name="directory">Does not exist. To be synced by the caller.</param>
    /// <exception cref="IOException">It cannot be written, or a content is not what was stored; the directory is incomplete.</exception>
    public void Write(string directory, Action<long, long> advanced, CancellationToken cancellation)
    {
        manifest.Check();
        Directory.CreateDirectory(directory, (UnixFileMode)PrivateDirectory);
        _owner = FileStatus.TryRead(directory)?.User ?? throw new IOException($"{directory}, just made, is gone");
        using (_old = before is null ? null : new OwnedTree(before.Directory, _owner))
        {
            WriteEntries(directory, advanced, cancellation);
        }
    }

    /// <summary>Writes one file of it, somewhere else. To be synced by the caller.</summary>
    /// <exception cref="IOException">It cannot be written, or is not what was stored.</exception>
    public void WriteAlone(ManifestEntry entry, string path, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        using (var target = TreeRestorer.Create(path))
        {
            Fill(target, entry, cancellation);
        }

        Attribute(entry, path);
    }

    private void WriteEntries(string directory, Action<long, long> advanced, CancellationToken cancellation)
    {
        using var known = before?.Entries is { } entries ? new KnownRows(entries.Select(IndexRow.Unseen)) : null;
        var files = 0L;
        var bytes = 0L;
        foreach (var (entry, isComplete) in manifest.Entries().InWritingOrder())
        {
            cancellation.ThrowIfCancellationRequested();
            if (isComplete)
            {
                AttributeIn(directory, entry);
                continue;
            }

            var old = known?.Find(entry.Path)?.Entry;
            var path = Path.Combine(directory, entry.Path);
            switch (entry.Kind)
            {
                case FileKind.Directory:
                    Directory.CreateDirectory(path, (UnixFileMode)PrivateDirectory);
                    break;
                case FileKind.SymbolicLink:
                    File.CreateSymbolicLink(path, entry.Target!);
                    AttributeIn(directory, entry);
                    break;
                case FileKind.File when Part is { } part && entry.SameAs is null && !part.Here.Contains(entry.Path):
                    File.CreateSymbolicLink(path, Path.Combine(part.Elsewhere, entry.Path));
                    KeepUse(entry, path);
                    bytes += entry.Content!.Size;
                    break;
                case FileKind.File when entry.SameAs is { } first:
                    _ = Durable.TryLink(Path.Combine(directory, first), path);
                    break;
                default:
                    WriteFile(entry, old, path, cancellation);
                    bytes += entry.Content!.Size;
                    LocalBytes += entry.Content.Size;
                    break;
            }

            advanced(++files, bytes);
        }

        SetGroup(directory, manifest.Root.Group);
        FileAttribution.SetMode(directory, DirectoryMode(manifest.Root.Mode));
    }

    private void WriteFile(ManifestEntry entry, ManifestEntry? old, string path, CancellationToken cancellation)
    {
        if (FindBefore(entry, old, cancellation) is { } found)
        {
            if (HasAttributesOf(found.Status, old, entry) && TryLink(found.Path, path))
            {
                Linked++;
                return;
            }

            using var source = PlainFile.OpenReadUnnoted(found.Path);
            using var copy = TreeRestorer.Create(path);
            FileCopy.Whole(source, copy.SafeFileHandle, entry.Content!.Size, cancellation);
            Written += entry.Content.Size;
        }
        else
        {
            using var target = TreeRestorer.Create(path);
            Fill(target, entry, cancellation);
        }

        Attribute(entry, path);
        KeepUse(entry, path);
    }

    /// <summary>Where files change places by when they were used, that a generation is new does not mean that all of it has just been.</summary>
    private void KeepUse(ManifestEntry entry, string path)
    {
        if (Part is not null && _old?.Find(entry.Path) is { } was)
        {
            FileAttribution.SetAccessed(path, was.AccessedNs);
        }
    }

    /// <summary>
    /// A file of the generation before that has the content of an entry. That it is still what was put there, its size and time tell: nobody writes
    /// to a generation, and whoever does so all the same changes the time. Where it is not known what was put there, it is read.
    /// </summary>
    private (string Path, FileStatus Status)? FindBefore(ManifestEntry entry, ManifestEntry? old, CancellationToken cancellation)
    {
        if (_old is null
            || (before!.Entries is not null && old?.Content is null)
            || _old.Reach(Path.GetDirectoryName(entry.Path)!) is not { } directory
            || directory[Path.GetFileName(entry.Path)] is not { } path
            || FileStatus.TryRead(path) is not { Kind: FileKind.File } status
            || status.Size != entry.Content!.Size
            || status.User != _owner)
        {
            return null;
        }

        if (old is not null)
        {
            return IsSame(old.Content!, entry.Content) && status.ModifiedNs == old.ModifiedNs ? (path, status) : null;
        }

        using var handle = PlainFile.OpenReadUnnoted(path);
        return ContentDigest.Of(new FileSource(handle, status.Size), entry.Content.Paged, manifest.Head.PageSeed, cancellation) == entry.Content.Digest
            ? (path, status)
            : null;
    }

    private static bool IsSame(FileContent one, FileContent other) => (one.Size, one.Digest, one.Paged) == (other.Size, other.Digest, other.Paged);

    /// <summary>Groups by what was wanted: some storage does not let them be set.</summary>
    private static bool HasAttributesOf(FileStatus status, ManifestEntry? old, ManifestEntry entry) =>
        status.Mode == (entry.Mode & MayRead)
        && status.ModifiedNs == entry.ModifiedNs
        && (old is null ? status.Group : old.Group) == entry.Group;

    private static bool TryLink(string existing, string created)
    {
        try
        {
            return Durable.TryLink(existing, created);
        }
        catch (PosixException)
        {
            // It has as many names as the file system allows, or went in this moment.
            return false;
        }
    }

    private void Fill(FileStream target, ManifestEntry entry, CancellationToken cancellation)
    {
        var content = entry.Content!;
        var what = $"'{entry.Path}'";
        Written += content.Size;
        if (content.Paged)
        {
            new PageRestorer(reader, null, manifest.Head.PageSeed).Write(target.SafeFileHandle, content, what, _ => HasRead(), cancellation);
            return;
        }

        using var stored = new ContentStream(reader, content, manifest.Head.PageSeed, what);
        int read;
        while ((read = stored.Read(_buffer)) > 0)
        {
            target.Write(_buffer, 0, read);
        }
    }

    private void AttributeIn(string directory, ManifestEntry entry) => Attribute(entry, Path.Combine(directory, entry.Path));

    private void Attribute(ManifestEntry entry, string path)
    {
        SetGroup(path, entry.Group);
        if (entry.Kind != FileKind.SymbolicLink)
        {
            FileAttribution.SetMode(path, entry.Kind == FileKind.Directory ? DirectoryMode(entry.Mode) : entry.Mode & MayRead);
        }

        FileAttribution.SetModified(path, entry.ModifiedNs);
    }

    /// <summary>Its owner, who is the writer, may always work there; nobody else may.</summary>
    private static uint DirectoryMode(uint mode) => (mode & MayRead) | PrivateDirectory;

    /// <summary>Who may read goes by the group too.</summary>
    private void SetGroup(string path, uint group)
    {
        if (!Processes.IsRoot || GroupsRefused)
        {
            return;
        }

        try
        {
            FileAttribution.SetOwner(path, _owner, group);
        }
        catch (PosixException refused) when (refused.Error == PosixException.NotPermitted)
        {
            GroupsRefused = true;
        }
    }
}
