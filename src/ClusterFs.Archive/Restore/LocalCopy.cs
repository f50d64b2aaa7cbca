using ClusterFs.Archive.Capture;
using ClusterFs.Archive.Manifests;
using ClusterFs.Archive.Packs;
using ClusterFs.Posix;
using Microsoft.Win32.SafeHandles;

namespace ClusterFs.Archive.Restore;

/// <summary>
/// A tree on this node that may hold some of what is to be restored, and what an index says of it. Nobody writes the tree meanwhile. Asked for
/// paths in the order of a manifest.
/// </summary>
/// <param name="rows">Of the index of that tree; none where there is no index.</param>
/// <param name="seed">Of the hashes of pages in the dump to be restored; those of the index have the same.</param>
/// <param name="link">Whether an unchanged file may become a second name of the old one: only if the old tree is given up afterwards.</param>
internal sealed class LocalCopy(string root, IEnumerable<IndexRow> rows, PageIndexes indexes, long seed, bool link) : IDisposable
{
    private readonly KnownRows _rows = new(rows);
    private string _reached = string.Empty;

    public PageIndexes Indexes => indexes;

    public bool MayLink => link;

    /// <summary>The file that may hold the content of an entry.</summary>
    /// <returns>Null when there is no such file.</returns>
    public LocalFile? Find(ManifestEntry entry)
    {
        var row = _rows.Find(entry.Path);
        var path = Path.Combine(root, entry.Path);
        if (FileStatus.TryRead(path) is not { Kind: FileKind.File } status || !IsReached(entry.Path))
        {
            return null;
        }

        return About(row, path, status);
    }

    /// <summary>What the index says of a path. Each is asked for once, here or by <see cref="Find"/>.</summary>
    public IndexRow? RowOf(ManifestEntry entry) => _rows.Find(entry.Path);

    /// <summary>What is known of a file.</summary>
    /// <param name="row">What the index says of it.</param>
    /// <param name="path">Where it is.</param>
    /// <param name="status">What was seen there.</param>
    public static LocalFile About(IndexRow? row, string path, FileStatus status)
    {
        // What the index says of a database that had a log is not what lies in its file.
        var known = row is { Entry.Content: { } content, Entry.ChangedWhileCopied: false } && row.Log == default ? content : null;
        var asKnown = known is not null && row!.Settled && row.Identity == FileIdentity.Of(status) && IsWhole(row.Entry, path);
        return new LocalFile(path, status, known, asKnown) { Entry = asKnown ? row!.Entry : null };
    }

    public bool Holds(LocalFile file, FileContent content, CancellationToken cancellation) => file.Holds(content, seed, cancellation);

    public void Dispose() => _rows.Dispose();

    /// <summary>
    /// Of a database that its writer left in the middle of something, the dump holds what SQLite makes of file, log and journal together.
    /// </summary>
    private static bool IsWhole(ManifestEntry entry, string path) => entry.Method != CaptureMethod.Sqlite
        || !(FileStatus.TryRead(path + SqliteFiles.Journal) is { Size: > 0 } || FileStatus.TryRead(path + SqliteFiles.Log) is { Size: > 0 });

    /// <summary>No directory on the way is a symbolic link: the file lies in the tree and nowhere else.</summary>
    private bool IsReached(string path)
    {
        var directory = Path.GetDirectoryName(path)!;
        if (directory == _reached)
        {
            return true;
        }

        for (var slash = path.LastIndexOf('/'); slash > 0; slash = path.LastIndexOf('/', slash - 1))
        {
            if (FileStatus.TryRead(Path.Combine(root, path[..slash])) is not { Kind: FileKind.Directory })
            {
                return false;
            }
        }

        _reached = directory;
        return true;
    }
}

/// <param name="Known">The content it had as of the index; null when nothing is known.</param>
/// <param name="IsAsKnown">Whether it still has that content, by its identity.</param>
internal sealed record LocalFile(string Path, FileStatus Status, FileContent? Known, bool IsAsKnown)
{
    /// <summary>What the index says of the file, if that still holds; null also where only its content was asked for.</summary>
    public ManifestEntry? Entry { get; init; }

    /// <summary>Whether the file holds a content, found out by reading it where its identity does not say so.</summary>
    /// <param name="seed">Of the hashes of pages.</param>
    public bool Holds(FileContent content, long seed, CancellationToken cancellation)
    {
        if (IsAsKnown)
        {
            return (Known!.Size, Known.Digest, Known.Paged) == (content.Size, content.Digest, content.Paged);
        }

        if (Status.Size != content.Size || (content.Paged && Known is not null && Known.Digest != content.Digest))
        {
            return false;
        }

        using var handle = TryOpen();
        return handle is not null && ContentDigest.Of(new FileSource(handle, content.Size), content.Paged, seed, cancellation) == content.Digest;
    }

    /// <summary>Opens the file that was looked at, and no other that is in its place by now.</summary>
    /// <returns>Null where it is not there any more, has changed, or cannot be opened, or not at once: it is of no use then.</returns>
    public SafeFileHandle? TryOpen()
    {
        try
        {
            var file = PlainFile.OpenReadAtOnce(Path);
            if (Is(file))
            {
                return file;
            }

            file.Dispose();
        }
        catch (PosixException)
        {
            // The archive has what would have been taken from it.
        }

        return null;
    }

    /// <summary>Whether an open file is the one that was looked at, and has not changed since.</summary>
    public bool Is(SafeFileHandle file) =>
        FileStatus.Read(file) is var now && now.Device == Status.Device && FileIdentity.Of(now) == FileIdentity.Of(Status);
}
