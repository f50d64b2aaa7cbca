using ClusterFs.Archive.Capture;
using ClusterFs.Archive.Log;
using ClusterFs.Archive.Manifests;
using ClusterFs.Archive.Packs;
using ClusterFs.Posix;
using Microsoft.Win32.SafeHandles;

namespace ClusterFs.Archive.Restore;

/// <summary>How far a restore has come.</summary>
/// <param name="Bytes">Of the files that are right, be they fetched or found here.</param>
public sealed record RestoreProgress(long Files, long TotalFiles, long Bytes, long TotalBytes)
{
    /// <summary>Bytes read from the archive, compressed as they lie there.</summary>
    public long Fetched { get; init; }
}

/// <summary>
/// Writes the content of a manifest into an empty directory: verified, synced, with owners, modes, times and extended attributes, holes where
/// pages hold nothing but zeros.
/// </summary>
/// <param name="indexes">Where the hashes of the pages of large files go; null when they are of no use.</param>
/// <param name="copy">A tree that may hold some of it already; null when there is none.</param>
/// <param name="alone">Whether contents are fetched by the calling thread alone: slower, and in nobody's way if storage hangs.</param>
internal sealed class TreeRestorer(PackReader reader, PageIndexes? indexes, LocalCopy? copy = null, bool alone = false)
{
    private const uint PrivateDirectory = 0b111_000_000;
    private const uint PrivateFile = 0b110_000_000;

    private IProgress<RestoreProgress>? _progress;
    private RestoreProgress _total = new(0, 0, 0, 0);

    /// <param name="manifest">Checked whole before.</param>
    /// <param name="content">What the record says of it, for the progress.</param>
    /// <param name="directory">Exists, is empty, and nobody else writes in it. Becomes what the live directory was.</param>
    /// <exception cref="DamagedArchiveException">A content is not what was stored; the directory is incomplete.</exception>
    public void Restore(
        Manifest manifest, StoredContent content, string directory, IProgress<RestoreProgress>? progress, CancellationToken cancellation)
    {
        _progress = progress;
        Advance(new RestoreProgress(0, content.Files, 0, content.Bytes));
        using var disk = FileSystemSync.Before(directory);
        using var links = new LinksAhead();
        var filler = new ContentFiller(
            reader, indexes, copy?.Indexes, manifest.Head.PageSeed, alone, bytes => Advance(_total with { Bytes = _total.Bytes + bytes }));
        foreach (var (entry, isComplete) in manifest.Entries().InWritingOrder())
        {
            cancellation.ThrowIfCancellationRequested();
            links.BeginIfDue();
            var path = Path.Combine(directory, entry.Path);
            switch (entry.Kind)
            {
                case FileKind.Directory when isComplete:
                    Complete(links, directory, filler, cancellation);
                    Attribute(entry, directory);
                    break;
                case FileKind.Directory:
                    Directory.CreateDirectory(path, (UnixFileMode)PrivateDirectory);
                    break;
                case FileKind.SymbolicLink:
                    File.CreateSymbolicLink(path, entry.Target!);
                    Attribute(entry, directory);
                    break;
                case FileKind.File when entry.SameAs is { } first:
                    Complete(links, directory, filler, cancellation);
                    _ = Durable.TryLink(Path.Combine(directory, first), path);
                    break;
                default:
                    if (!WriteFile(entry, directory, filler, links, cancellation))
                    {
                        Attribute(entry, directory);
                    }

                    Advance(_total with { Files = _total.Files + 1 });
                    break;
            }
        }

        Complete(links, directory, filler, cancellation);
        AttributeRoot(directory, manifest.Root);
        disk.Complete();
        Advance(_total);
    }

    /// <summary>Gives the directory that holds a tree its owner, mode and extended attributes.</summary>
    public static void AttributeRoot(string directory, RootAttributes attributes)
    {
        if (Processes.IsRoot)
        {
            FileAttribution.SetOwner(directory, attributes.User, attributes.Group);
        }

        FileAttribution.SetMode(directory, attributes.Mode);
        SetAttributes(directory, attributes.Attributes?.Attributes ?? []);
    }

    /// <summary>Gives what an entry describes its owner, mode, extended attributes and time.</summary>
    public static void Attribute(ManifestEntry entry, string directory)
    {
        var path = Path.Combine(directory, entry.Path);
        if (Processes.IsRoot)
        {
            FileAttribution.SetOwner(path, entry.User, entry.Group);
        }

        if (entry.Kind != FileKind.SymbolicLink)
        {
            FileAttribution.SetMode(path, entry.Mode);
        }

        if (entry.Attributes is { } list)
        {
            SetAttributes(path, list.Attributes);
        }

        FileAttribution.SetModified(path, entry.ModifiedNs);
    }

    /// <summary>Gives a file or directory exactly these extended attributes.</summary>
    public static void SetAttributes(string path, IReadOnlyList<ExtendedAttribute> attributes)
    {
        try
        {
            ExtendedAttributes.Write(path, attributes);
        }
        catch (PosixException error)
        {
            throw new LocalContentException(
                $"An extended attribute or access control list cannot be set: {error.Message}. Restore as root, to a file system that has them.", error);
        }
    }

    private void Advance(RestoreProgress total)
    {
        _total = total with { Fetched = reader.BytesRead };
        _progress?.Report(_total);
    }

    /// <summary>Until what was to get a second name is there, as that or from the archive.</summary>
    private void Complete(LinksAhead links, string directory, ContentFiller filler, CancellationToken cancellation)
    {
        foreach (var (entry, _, created) in links.Complete())
        {
            _total = _total with { Bytes = _total.Bytes - entry.Content!.Size };
            using (var target = Create(created))
            {
                filler.Fetch(target, entry, cancellation);
            }

            Attribute(entry, directory);
        }
    }

    /// <returns>Whether it becomes a second name of a file that has the right attributes already.</returns>
    private bool WriteFile(ManifestEntry entry, string directory, ContentFiller filler, LinksAhead links, CancellationToken cancellation)
    {
        var path = Path.Combine(directory, entry.Path);
        var content = entry.Content!;
        var local = copy?.Find(entry);
        if (content.Size >= StagedFile.UncachedFrom && local is not { IsAsKnown: true })
        {
            // It takes long, and others were looked at that are still to be linked.
            Complete(links, directory, filler, cancellation);
        }

        var isSame = local is not null && copy!.Holds(local, content, cancellation);
        if (isSame && copy!.MayLink && local!.Status.Links == 1 && EntryAttributes.AreOf(entry, local.Path, local.Status, local.Entry))
        {
            Advance(_total with { Bytes = _total.Bytes + content.Size });
            links.Add(new NewLink(entry, local!, path));
            return true;
        }

        if (content.Size >= StagedFile.UncachedFrom)
        {
            Complete(links, directory, filler, cancellation);
        }

        using var target = Create(path);
        filler.Fill(target, entry, local, isSame, cancellation);
        return false;
    }

    /// <summary>A file that nobody else may read until it has its own mode.</summary>
    public static FileStream Create(string path) => new(path, new FileStreamOptions
    {
        Mode = FileMode.CreateNew,
        Access = FileAccess.ReadWrite,
        BufferSize = 0,
        UnixCreateMode = (UnixFileMode)PrivateFile,
    });
}
