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
/// generation is never written again, so neither can change by the other. Everything else is fetched from the archive, and verified.
/// </summary>
/// <param name="before">Another generation on the same file system; null when there is none.</param>
internal sealed class GenerationWriter(PackReader reader, Manifest manifest, WrittenGeneration? before)
{
    private const uint PrivateDirectory = 0x1C0;

    private readonly byte[] _buffer = new byte[ContentCapture.MaxWhole];
    private string _reached = string.Empty;

    /// <summary>Files that are second names of the generation's before.</summary>
    public long Linked { get; private set; }

    /// <summary>Bytes of the files that were written.</summary>
    public long Written { get; private set; }

    /// <summary>Owners could not be set: the storage refuses to (an NFS server with root_squash).</summary>
    public bool OwnersRefused { get; private set; }

    /// <param name="directory">Does not exist. To be synced by the caller.</param>
    /// <exception cref="IOException">It cannot be written, or a content is not what was stored; the directory is incomplete.</exception>
    public void Write(string directory, Action<long, long> advanced, CancellationToken cancellation)
    {
        manifest.Check();
        Directory.CreateDirectory(directory, (UnixFileMode)PrivateDirectory);
        using var known = before?.Entries is { } entries ? new KnownRows(entries.Select(IndexRow.Unseen)) : null;
        var open = new Stack<ManifestEntry>();
        var files = 0L;
        var bytes = 0L;
        foreach (var entry in manifest.Entries())
        {
            cancellation.ThrowIfCancellationRequested();

            // Deepest first: making an entry changes its directory's time, and a directory may deny us writing once it has its mode.
            while (open.TryPeek(out var above) && !entry.Path.StartsWith(above.Path + "/", StringComparison.Ordinal))
            {
                AttributeIn(directory, open.Pop());
            }

            var old = known?.Find(entry.Path)?.Entry;
            var path = Path.Combine(directory, entry.Path);
            switch (entry.Kind)
            {
                case FileKind.Directory:
                    Directory.CreateDirectory(path, (UnixFileMode)PrivateDirectory);
                    open.Push(entry);
                    break;
                case FileKind.SymbolicLink:
                    File.CreateSymbolicLink(path, entry.Target!);
                    AttributeIn(directory, entry);
                    break;
                case FileKind.File when entry.SameAs is { } first:
                    _ = Durable.TryLink(Path.Combine(directory, first), path);
                    break;
                default:
                    WriteFile(entry, old, path, cancellation);
                    bytes += entry.Content!.Size;
                    break;
            }

            advanced(++files, bytes);
        }

        while (open.TryPop(out var above))
        {
            AttributeIn(directory, above);
        }

        SetOwner(directory, manifest.Root.User, manifest.Root.Group);
        FileAttribution.SetMode(directory, manifest.Root.Mode);
    }

    private void WriteFile(ManifestEntry entry, ManifestEntry? old, string path, CancellationToken cancellation)
    {
        if (before is not null && FindBefore(entry, old, cancellation) is { } found)
        {
            if (HasAttributesOf(found.Status, old, entry) && TryLink(found.Path, path))
            {
                Linked++;
                return;
            }

            using var source = FileCopy.Open(found.Path);
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
    }

    /// <summary>
    /// A file of the generation before that has the content of an entry. That it is still what was put there, its size and time tell: nobody writes
    /// to a generation, and whoever does so all the same changes the time. Where it is not known what was put there, it is read.
    /// </summary>
    private (string Path, FileStatus Status)? FindBefore(ManifestEntry entry, ManifestEntry? old, CancellationToken cancellation)
    {
        var path = Path.Combine(before!.Directory, entry.Path);
        if ((before.Entries is not null && old?.Content is null)
            || FileStatus.TryRead(path) is not { Kind: FileKind.File } status
            || status.Size != entry.Content!.Size
            || !IsReached(entry.Path))
        {
            return null;
        }

        if (old is not null)
        {
            return IsSame(old.Content!, entry.Content) && status.ModifiedNs == old.ModifiedNs ? (path, status) : null;
        }

        using var handle = UnlockedFile.OpenRead(path);
        return ContentDigest.Of(new FileSource(handle, status.Size), entry.Content.Paged, manifest.Head.PageSeed, cancellation) == entry.Content.Digest
            ? (path, status)
            : null;
    }

    /// <summary>No directory on the way is a link: whoever owns one could have the file of somebody else served.</summary>
    private bool IsReached(string path)
    {
        var directory = Path.GetDirectoryName(path)!;
        if (directory == _reached)
        {
            return true;
        }

        for (var slash = path.LastIndexOf('/'); slash > 0; slash = path.LastIndexOf('/', slash - 1))
        {
            if (FileStatus.TryRead(Path.Combine(before!.Directory, path[..slash])) is not { Kind: FileKind.Directory })
            {
                return false;
            }
        }

        _reached = directory;
        return true;
    }

    private static bool IsSame(FileContent one, FileContent other) => (one.Size, one.Digest, one.Paged) == (other.Size, other.Digest, other.Paged);

    /// <summary>Owners by what was wanted: some storage does not let them be set.</summary>
    private static bool HasAttributesOf(FileStatus status, ManifestEntry? old, ManifestEntry entry) =>
        status.Mode == entry.Mode
        && status.ModifiedNs == entry.ModifiedNs
        && (old is null ? (status.User, status.Group) == (entry.User, entry.Group) : (old.User, old.Group) == (entry.User, entry.Group));

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
            new PageRestorer(reader, null, manifest.Head.PageSeed).Write(target.SafeFileHandle, content, what, _ => { }, cancellation);
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
        SetOwner(path, entry.User, entry.Group);
        if (entry.Kind != FileKind.SymbolicLink)
        {
            FileAttribution.SetMode(path, entry.Mode);
        }

        FileAttribution.SetModified(path, entry.ModifiedNs);
    }

    private void SetOwner(string path, uint user, uint group)
    {
        if (!Processes.IsRoot || OwnersRefused)
        {
            return;
        }

        try
        {
            FileAttribution.SetOwner(path, user, group);
        }
        catch (PosixException refused) when (refused.Error == PosixException.NotPermitted)
        {
            OwnersRefused = true;
        }
    }
}
