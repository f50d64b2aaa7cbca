using ClusterFs.Archive.Manifests;
using ClusterFs.Posix;

namespace ClusterFs.Archive.Capture;

/// <summary>A file, directory or link as a capture mode sees it.</summary>
/// <param name="Known">Its row in the index that the tree is compared with; null when that has none.</param>
/// <param name="Sqlite">An SQLite database.</param>
/// <param name="CompanionOf">The database whose log, journal or shared memory it is, which captures it; null for all else.</param>
/// <param name="Log">Identity of the database's write-ahead log; all zero when there is none or it is empty.</param>
/// <param name="Settled">Whether any later change would show in its identity.</param>
internal sealed record ViewedEntry(
    string Path, FileStatus Status, IndexRow? Known, bool Sqlite, string? CompanionOf, FileIdentity Log, bool Settled)
{
    public FileIdentity Identity => FileIdentity.Of(Status);

    /// <summary>Whether the file is as it was. Of a directory only the attributes count: its content has entries of its own.</summary>
    public bool IsAsKnown(string root)
    {
        if (Known is not { } known || known.Entry.Kind != Status.Kind)
        {
            return false;
        }

        return Status.Kind == FileKind.Directory
            ? (known.Entry.Mode, known.Entry.User, known.Entry.Group) == (Status.Mode, Status.User, Status.Group)
                && ((known.Settled && known.Identity == Identity)
                    || Equals(known.Entry.Attributes, AttributeList.ReadFrom(System.IO.Path.Combine(root, Path))))
            : known.Settled && known.Identity == Identity && known.Sqlite == Sqlite && known.Log == Log;
    }
}

/// <summary>
/// A tree as a capture mode sees it, compared with an index: databases told apart, and their companions. Read as it is enumerated, once.
/// </summary>
/// <param name="seenAt">What the file system's clock said before.</param>
/// <param name="isDatabase">Tells whether a file, by its path and what is known of it, is a database, if the index does not.</param>
internal sealed class TreeView(string root, CaptureMode mode, KnownRows known, long seenAt, Func<string, IndexRow?, bool> isDatabase)
{
    /// <summary>Sockets, pipes and devices met so far: not content, made anew by whoever needs them.</summary>
    public int Special { get; private set; }

    public long SeenAt => seenAt;

    public static TreeView Look(string root, CaptureMode mode, KnownRows known, FileSystemClock clock) =>

        // The clock is read before the tree: whatever changes after a file was looked at bears this time or a later one.
        new(root, mode, known, clock.Now(), (path, _) => SqliteFiles.IsDatabase(path));

    public IEnumerable<ViewedEntry> Entries(CancellationToken cancellation)
    {
        var databases = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (path, status, siblings) in TreeScan.Scan(root, cancellation))
        {
            if (status.Kind == FileKind.Special)
            {
                Special++;
                continue;
            }

            var row = known.Find(path);
            var sqlite = status is { Kind: FileKind.File, Size: > 0 } && IsDatabase(path, status, row);
            FileStatus? log = null;
            if (sqlite)
            {
                databases.Add(path);
                log = IsIn(siblings, path + SqliteFiles.Log) ? FileStatus.TryRead(Path.Combine(root, path + SqliteFiles.Log)) : null;
            }

            var settled = FileSystemClock.IsSettled(status, seenAt) && (log is not { Size: > 0 } held || FileSystemClock.IsSettled(held, seenAt));
            yield return new ViewedEntry(
                path,
                status,
                row,
                sqlite,
                status.Kind == FileKind.File ? CompanionOf(path, databases) : null,
                log is { Size: > 0 } written ? FileIdentity.Of(written) : default,
                settled);
        }

        known.Finish();
    }

    private static bool IsIn(IReadOnlyList<string> sorted, string path) =>
        ((List<string>)sorted).BinarySearch(Path.GetFileName(path), StringComparer.Ordinal) >= 0;

    private bool IsDatabase(string path, FileStatus status, IndexRow? row) =>
        row is { Settled: true } && row.Identity == FileIdentity.Of(status) ? row.Sqlite : isDatabase(Path.Combine(root, path), row);

    private string? CompanionOf(string path, HashSet<string> databases)
    {
        if (SqliteFiles.DatabaseOf(path) is not { } database || !databases.Contains(database))
        {
            return null;
        }

        // The shared memory is an index that SQLite makes anew; the rest belongs to the content where the database is copied as a file.
        return mode is CaptureMode.Auto or CaptureMode.Sqlite || path.EndsWith(SqliteFiles.SharedMemory, StringComparison.Ordinal) ? database : null;
    }
}
