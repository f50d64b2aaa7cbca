using ClusterFs.Posix;

namespace ClusterFs.Archive.Capture;

/// <summary>A file, directory or link as a capture mode sees it.</summary>
/// <param name="Sqlite">An SQLite database.</param>
/// <param name="Companions">Log, journal and shared memory of the database: they are not captured beside it.</param>
internal sealed record ViewedEntry(ScannedEntry Scanned, bool Sqlite, IReadOnlyList<ScannedEntry> Companions, IndexEntry Index)
{
    public string Path => Scanned.Path;

    public FileStatus Status => Scanned.Status;
}

/// <summary>A tree as a capture mode sees it: databases told apart, their companions folded into them, and every entry's identity.</summary>
internal sealed record TreeView(IReadOnlyList<ViewedEntry> Entries, IReadOnlyList<string> Special, long SeenAt)
{
    /// <param name="index">What was known; spares opening files that have not changed.</param>
    public static TreeView Look(string root, CaptureMode mode, IdentityIndex? index, FileSystemClock clock, CancellationToken cancellation)
    {
        // Read before the scan: whatever changes after a file was looked at bears this time or a later one.
        var seenAt = clock.Now();
        var tree = TreeScan.Scan(root, cancellation);
        var files = tree.Entries.Where(entry => entry.Status.Kind == FileKind.File).ToDictionary(entry => entry.Path, StringComparer.Ordinal);
        var databases = files.Values
            .Where(entry => entry.Status.Size > 0 && IsDatabase(root, entry, index))
            .Select(entry => entry.Path)
            .ToHashSet(StringComparer.Ordinal);
        var companions = tree.Entries
            .Where(entry => IsCompanion(entry, databases, mode))
            .ToLookup(entry => SqliteFiles.DatabaseOf(entry.Path)!, StringComparer.Ordinal);
        var entries = tree.Entries
            .Where(entry => !IsCompanion(entry, databases, mode))
            .Select(entry => View(entry, databases.Contains(entry.Path), [.. companions[entry.Path]], seenAt))
            .ToList();
        return new TreeView(entries, tree.Special, seenAt);
    }

    /// <summary>Whether nothing can have changed since the index was made.</summary>
    public bool IsUnchanged(IdentityIndex index) =>
        Entries.Count == index.Entries.Count
        && Entries.All(entry => index.Find(entry.Path) is { Settled: true } known && IsSame(known, entry.Index));

    /// <summary>Whether an entry has the identity it had. Of a directory only the attributes count: its content has entries of its own.</summary>
    public static bool IsSame(IndexEntry known, IndexEntry seen)
    {
        if (known.Kind != seen.Kind)
        {
            return false;
        }

        return known.Kind == FileKind.Directory
            ? (known.Mode, known.User, known.Group) == (seen.Mode, seen.User, seen.Group)
            : known.Identity == seen.Identity && known.Sqlite == seen.Sqlite && known.Log == seen.Log;
    }

    /// <summary>The identity of a log; an empty one holds nothing and counts as none.</summary>
    public static FileIdentity LogIdentity(FileStatus? log) => log is { Size: > 0 } status ? FileIdentity.Of(status) : default;

    private static ViewedEntry View(ScannedEntry entry, bool sqlite, IReadOnlyList<ScannedEntry> companions, long seenAt)
    {
        var log = companions.FirstOrDefault(companion => companion.Path.EndsWith(SqliteFiles.Log, StringComparison.Ordinal))?.Status;
        var status = entry.Status;
        var settled = status.Kind == FileKind.Directory
            || (FileSystemClock.IsSettled(status, seenAt) && (log is not { Size: > 0 } held || FileSystemClock.IsSettled(held, seenAt)));
        return new ViewedEntry(
            entry,
            sqlite,
            companions,
            new IndexEntry(
                entry.Path, status.Kind, status.Mode, status.User, status.Group, FileIdentity.Of(status), settled, sqlite, LogIdentity(log)));
    }

    private static bool IsDatabase(string root, ScannedEntry entry, IdentityIndex? index) =>
        index?.Find(entry.Path) is { Settled: true } known && known.Identity == FileIdentity.Of(entry.Status)
            ? known.Sqlite
            : SqliteFiles.IsDatabase(Path.Combine(root, entry.Path));

    private static bool IsCompanion(ScannedEntry entry, HashSet<string> databases, CaptureMode mode)
    {
        if (entry.Status.Kind != FileKind.File || SqliteFiles.DatabaseOf(entry.Path) is not { } database || !databases.Contains(database))
        {
            return false;
        }

        // The shared memory is an index that SQLite makes anew; the rest belongs to the content where the database is copied as a file.
        return mode is CaptureMode.Auto or CaptureMode.Sqlite || entry.Path.EndsWith(SqliteFiles.SharedMemory, StringComparison.Ordinal);
    }
}
