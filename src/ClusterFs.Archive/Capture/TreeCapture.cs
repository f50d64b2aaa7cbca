using ClusterFs.Archive.Manifests;
using ClusterFs.Archive.Packs;
using ClusterFs.Posix;
using Microsoft.Data.Sqlite;

namespace ClusterFs.Archive.Capture;

/// <summary>
/// Reads a tree entry by entry. Contents that the archive holds already are not stored again, and files whose identity has not changed since
/// the dump it is compared with are not even read. What comes out is in the order of a manifest.
/// </summary>
/// <param name="scratch">A directory beside the tree, for copies of databases whose writer is dead.</param>
internal sealed class TreeCapture(string root, string scratch, CaptureMode mode, ContentCapture contents, KnownContents known)
{
    private const int Attempts = 4;
    private const int AttemptsWithPages = 2;
    private const int SqliteBusy = 5;
    private const int SqliteReadOnly = 8;
    private const int SqliteCannotOpen = 14;

    private readonly HashSet<string> _copiedDatabases = new(StringComparer.Ordinal);
    private readonly Dictionary<(ulong Device, ulong Inode), string> _names = [];

    /// <summary>Where a capture may be made to stop, in tests of files that change under it.</summary>
    internal Action<string>? Copied { get; init; }

    /// <summary>
    /// Whether the tree is a copy, whose times tell when it was made: a file that is otherwise as the row says keeps the time that it has there.
    /// </summary>
    internal bool IsCopy { get; init; }

    /// <summary>Holds large files while they are read; null when each is read where it lies.</summary>
    internal FileKeeping? Keeping { get; init; }

    /// <summary>Whether any entry differs from the row it is compared with, has none, or a row has no entry. Known at the end.</summary>
    public bool Differs { get; private set; }

    public IEnumerable<IndexRow> Capture(TreeView view, KnownRows rows, CancellationToken cancellation)
    {
        foreach (var viewed in view.Entries(cancellation))
        {
            if (viewed.CompanionOf is { } database && !IsTaken(viewed, database))
            {
                continue;
            }

            if (Take(viewed, view.SeenAt, cancellation) is { } taken)
            {
                var row = IsCopy && viewed.Known is { } known ? WithTimeOf(known.Entry, taken) : taken;
                Differs |= viewed.Known is null || !IsSame(viewed.Known.Entry, row.Entry);
                yield return row;
            }
            else
            {
                Differs |= viewed.Known is not null;
            }
        }

        Differs |= rows.Vanished > 0;
    }

    /// <summary>
    /// Times count only where they are part of the content: not of directories, which change with their entries, and not of databases, whose
    /// file is rewritten by a checkpoint that changes nothing.
    /// </summary>
    private static bool IsSame(ManifestEntry one, ManifestEntry other) =>
        one with { ModifiedNs = 0, Content = null } == other with { ModifiedNs = 0, Content = null }
        && (one.Content?.Size, one.Content?.Digest) == (other.Content?.Size, other.Content?.Digest)
        && (one.Kind != FileKind.File || one.Method == CaptureMethod.Sqlite || one.ModifiedNs == other.ModifiedNs);

    private static IndexRow WithTimeOf(ManifestEntry known, IndexRow row)
    {
        var entry = row.Entry with { ModifiedNs = known.ModifiedNs };
        return IsSame(known, entry) ? row with { Entry = entry } : row;
    }

    /// <summary>The companions of a file that SQLite could not read are files like any other.</summary>
    private bool IsTaken(ViewedEntry viewed, string database) =>
        _copiedDatabases.Contains(database) && !viewed.Path.EndsWith(SqliteFiles.SharedMemory, StringComparison.Ordinal);

    private ManifestEntry Bare(ViewedEntry viewed, FileStatus status) =>
        new(viewed.Path, status.Kind, status.Mode, status.User, status.Group, status.ModifiedNs)
        {
            Attributes = AttributeList.ReadFrom(Absolute(viewed.Path)),
            IsShared = status is { Kind: FileKind.File, Links: > 1 },
        };

    private bool BySqlite(ViewedEntry viewed) => viewed.Sqlite && mode is CaptureMode.Auto or CaptureMode.Sqlite;

    private static IndexRow RowOf(ViewedEntry viewed, ManifestEntry entry) => new(entry, viewed.Identity, viewed.Settled, viewed.Sqlite, viewed.Log);

    private IndexRow? Take(ViewedEntry viewed, long seenAt, CancellationToken cancellation)
    {
        if (viewed.Status is not { Kind: FileKind.File, Links: > 1 } status || viewed.Sqlite)
        {
            return TakeOne(viewed, seenAt, cancellation);
        }

        // The first name may have gone since, and with it the file; another may have got its inode.
        var file = (status.Device, status.Inode);
        if (_names.TryGetValue(file, out var first)
            && FileStatus.TryRead(Absolute(first)) is { } same && (same.Device, same.Inode) == file)
        {
            return RowOf(viewed, Bare(viewed, status) with { SameAs = first, Method = MethodOfCopies, IsShared = false });
        }

        var row = TakeOne(viewed, seenAt, cancellation);
        if (row is { Entry.IsShared: true })
        {
            _names[file] = viewed.Path;
        }

        return row;
    }

    private IndexRow? TakeOne(ViewedEntry viewed, long seenAt, CancellationToken cancellation)
    {
        var status = viewed.Status;
        if (Reuse(viewed) is { } reused)
        {
            if (reused.Content is { Paged: true } content)
            {
                Keeping?.Unread(viewed.Path, content);
            }

            return RowOf(viewed, reused);
        }

        return status.Kind switch
        {
            FileKind.Directory => RowOf(viewed, Bare(viewed, status)),
            FileKind.SymbolicLink => new FileInfo(Absolute(viewed.Path)).LinkTarget is { } target
                ? RowOf(viewed, Bare(viewed, status) with { Target = target })
                : null,
            _ => BySqlite(viewed) ? TakeDatabase(viewed, seenAt, cancellation) : TakeFile(viewed, seenAt, cancellation),
        };
    }

    private CaptureMethod MethodOfCopies => mode == CaptureMode.Raw ? CaptureMethod.Raw : CaptureMethod.Copied;

    private ManifestEntry? Reuse(ViewedEntry viewed)
    {
        var reusable = viewed.Known is { Settled: true, Entry: { ChangedWhileCopied: false, SameAs: null } entry } row
            && row.Identity == viewed.Identity
            && row.Log == viewed.Log
            && entry.Kind == viewed.Status.Kind
            && (entry.Kind != FileKind.File || ((entry.Method == CaptureMethod.Sqlite) == BySqlite(viewed) && entry.IsShared == viewed.Status.Links > 1));

        // A database or a copy taken beside its writer keeps saying so even where it is taken over unread.
        return reusable ? viewed.Known!.Entry : null;
    }

    private IndexRow? TakeDatabase(ViewedEntry viewed, long seenAt, CancellationToken cancellation)
    {
        var source = Absolute(viewed.Path);
        try
        {
            using var snapshot = SqliteSnapshot.Take(source, cancellation);
            using var held = snapshot.Hold(file => Keeping?.Hold(viewed.Path, file));
            return held is null && Keeping is not null && snapshot.IsLogged && snapshot.Size > ContentCapture.MaxWhole
                ? DatabaseRow(viewed, StoreWithLog(viewed, snapshot, seenAt, cancellation))
                : DatabaseRow(viewed, Store(viewed, snapshot, held, cancellation));
        }
        catch (SqliteException error) when (error.SqliteErrorCode == SqliteBusy)
        {
            throw new LocalContentException(
                $"The database {source} stayed locked, so no dump can be taken. If its application locks it for good, set capture = copy.", error);
        }
        catch (SqliteException error) when (error.SqliteErrorCode is SqliteReadOnly or SqliteCannotOpen && TakeRecovered(viewed, cancellation) is { } row)
        {
            return row;
        }
        catch (SqliteException) when (mode == CaptureMode.Auto)
        {
            _copiedDatabases.Add(viewed.Path);
            return TakeFile(viewed, seenAt, cancellation);
        }
        catch (SqliteException error)
        {
            throw new LocalContentException(
                $"SQLite cannot read the database {source}: {error.Message}. Repair it, or set capture = auto to have such files copied.", error);
        }
    }

    /// <summary>A writer that died left a log or journal: the database is put in order in a copy, provided nobody writes meanwhile.</summary>
    private IndexRow? TakeRecovered(ViewedEntry viewed, CancellationToken cancellation)
    {
        var directory = Path.Combine(scratch, $"sqlite.{Guid.NewGuid():N}");
        Directory.CreateDirectory(directory);
        try
        {
            using var file = UnlockedFile.OpenRead(SqliteRecovery.Copy(Absolute(viewed.Path), directory));
            return FileStatus.TryRead(Absolute(viewed.Path)) is { } after && FileIdentity.Of(after) == viewed.Identity
                ? DatabaseRow(viewed, Store(viewed, new FileSource(file, RandomAccess.GetLength(file)), null, cancellation))
                : null;
        }
        catch (SqliteException)
        {
            return null;
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private IndexRow DatabaseRow(ViewedEntry viewed, FileContent content) => RowOf(
        viewed, Bare(viewed, viewed.Status) with { Content = content, Method = CaptureMethod.Sqlite, IsShared = false });

    /// <summary>
    /// Stores a database that is read where it lies and has a log. While nothing of the log was moved to the file, what changed is in the log.
    /// </summary>
    private FileContent StoreWithLog(ViewedEntry viewed, SqliteSnapshot snapshot, long seenAt, CancellationToken cancellation)
    {
        var file = snapshot.Status;
        var log = snapshot.LogRanges();
        var basis = BasisOf(viewed);
        var unchanged = basis is null ? null : Keeping!.Compare(FileIdentity.Of(file), log, snapshot.Size, basis);
        var (content, takenOver) = contents.StorePages(snapshot, basis, unchanged, $"'{viewed.Path}'", cancellation);
        Keeping!.Keep(viewed.Path, content, FileIdentity.Of(file), log, FileSystemClock.IsSettled(file, seenAt), takenOver);
        return content;
    }

    /// <param name="held">What the source reads from, but for some ranges; null when that is not held.</param>
    private FileContent Store(ViewedEntry viewed, IPageSource source, HeldFile? held, CancellationToken cancellation)
    {
        if (source.Size <= ContentCapture.MaxWhole)
        {
            var bytes = contents.ReadWhole(source);
            Keeping?.RequireHeld();
            return contents.StoreWhole(bytes.Span);
        }

        var basis = BasisOf(viewed);
        var unchanged = held is not null && basis is not null ? Keeping!.Compare(held, source.Size, basis) : null;
        var (content, takenOver) = contents.StorePages(source, basis, unchanged, $"'{viewed.Path}'", cancellation);
        if (held is not null)
        {
            Keeping!.Keep(viewed.Path, content, held, takenOver);
        }

        return content;
    }

    private FileContent? BasisOf(ViewedEntry viewed) =>
        viewed.Known?.Entry.Content is { Paged: true } content ? content : known.FindLarge(viewed.Status.Inode);

    private IndexRow? TakeFile(ViewedEntry viewed, long seenAt, CancellationToken cancellation)
    {
        for (var attempt = 1; ; attempt++)
        {
            FileStatus before;
            FileStatus? after = null;
            FileContent? content = null;
            var isOfOneMoment = false;
            var whole = ReadOnlyMemory<byte>.Empty;
            try
            {
                using var file = UnlockedFile.OpenRead(Absolute(viewed.Path));
                before = FileStatus.Read(file);
                using var held = before.Size <= ContentCapture.MaxWhole ? null : Keeping?.Hold(viewed.Path, file);
                if (held is { Size: > ContentCapture.MaxWhole })
                {
                    // Only while it was being held did it matter whether somebody writes.
                    isOfOneMoment = true;
                    after = FileStatus.TryRead(Absolute(viewed.Path));
                    content = Store(viewed, new FileSource(held.File, held.Size), held, cancellation);
                }
                else if (before.Size <= ContentCapture.MaxWhole)
                {
                    whole = contents.ReadWhole(new FileSource(file, before.Size));
                }
                else
                {
                    content = Store(viewed, new FileSource(file, before.Size), null, cancellation);
                }
            }
            catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
            {
                return null;
            }
            catch (Exception error) when (error is UnauthorizedAccessException or IOException and not ArchiveException)
            {
                throw new LocalContentException(
                    $"The file {Absolute(viewed.Path)} cannot be read: {error.Message.TrimEnd('.')}. No dump can be taken before it can.", error);
            }

            Copied?.Invoke(viewed.Path);
            after ??= FileStatus.TryRead(Absolute(viewed.Path));
            var stable = after is { } now && FileIdentity.Of(now) == FileIdentity.Of(before);
            if (!stable && !isOfOneMoment && attempt < (content is null ? Attempts : AttemptsWithPages))
            {
                continue;
            }

            if (after is null)
            {
                return null;
            }

            var entry = Bare(viewed, before) with
            {
                Content = content ?? contents.StoreWhole(whole.Span),
                Method = MethodOfCopies,
                ChangedWhileCopied = !stable && !isOfOneMoment,
            };
            var settled = stable && FileSystemClock.IsSettled(before, seenAt) && viewed.Log == default;
            return new IndexRow(entry, FileIdentity.Of(before), settled, viewed.Sqlite, viewed.Log);
        }
    }

    private string Absolute(string path) => Path.Combine(root, path);
}
