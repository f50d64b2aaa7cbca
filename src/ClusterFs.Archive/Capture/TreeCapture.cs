using System.Security.Cryptography;
using ClusterFs.Archive.Packs;
using ClusterFs.Posix;
using Microsoft.Data.Sqlite;

namespace ClusterFs.Archive.Capture;

/// <summary>What a capture found. Its new contents are in the pack writer it was given.</summary>
internal sealed record CapturedTree(IReadOnlyList<ManifestEntry> Entries, IReadOnlyList<IndexEntry> Index, string Guarantee)
{
    public long Files => Entries.Count(entry => entry.Content is not null);

    public long Bytes => Entries.Sum(entry => entry.Content?.Size ?? 0);
}

/// <summary>
/// Reads a tree into a pack. Contents that the basis holds already are not stored again, and files whose identity has not changed since the
/// basis are not even read.
/// </summary>
/// <param name="scratch">A directory beside the tree, for copies of databases.</param>
internal sealed class TreeCapture(string root, string scratch, CaptureMode mode, PackWriter pack)
{
    private const int Attempts = 4;
    private const int SqliteBusy = 5;
    private const int SqliteReadOnly = 8;
    private const int SqliteCannotOpen = 14;

    private readonly Dictionary<string, FileContent> _known = new(StringComparer.Ordinal);
    private readonly HashSet<long> _knownSizes = [];

    /// <summary>Where a capture may be made to stop, in tests of files that change under it.</summary>
    internal Action<string>? Copied { get; init; }

    public CapturedTree Capture(TreeView view, IdentityIndex? index, Manifest? basis, CancellationToken cancellation)
    {
        foreach (var content in basis?.Entries.Select(entry => entry.Content) ?? [])
        {
            Remember(content);
        }

        var before = basis?.Entries.ToDictionary(entry => entry.Path, StringComparer.Ordinal) ?? [];
        var trusted = basis is not null && index?.Subject == basis.Nonce ? index : null;
        var entries = new List<ManifestEntry>();
        var seen = new List<IndexEntry>();
        foreach (var viewed in view.Entries)
        {
            cancellation.ThrowIfCancellationRequested();
            if (Reuse(viewed, trusted, before) is { } reused)
            {
                entries.Add(reused);
                seen.Add(viewed.Index);
                continue;
            }

            foreach (var (entry, identity) in Take(viewed, view.SeenAt, cancellation))
            {
                entries.Add(entry);
                seen.Add(identity);
            }
        }

        entries.Sort((one, other) => string.CompareOrdinal(one.Path, other.Path));
        return new CapturedTree(entries, seen, CaptureWords.Describe(entries, view.Special.Count));
    }

    private static ManifestEntry Bare(string path, FileStatus status) =>
        new(path, status.Kind, status.Mode, status.User, status.Group, status.ModifiedNs);

    private bool BySqlite(ViewedEntry viewed) => viewed.Sqlite && mode is CaptureMode.Auto or CaptureMode.Sqlite;

    private ManifestEntry? Reuse(ViewedEntry viewed, IdentityIndex? index, Dictionary<string, ManifestEntry> before)
    {
        var reusable = viewed.Status.Kind == FileKind.File
            && index?.Find(viewed.Path) is { Settled: true } known
            && TreeView.IsSame(known, viewed.Index)
            && before.TryGetValue(viewed.Path, out var entry)
            && entry.Content is not null
            && !entry.ChangedWhileCopied
            && (entry.Method == CaptureMethod.Sqlite) == BySqlite(viewed);
        return reusable
            ? Bare(viewed.Path, viewed.Status) with { Content = before[viewed.Path].Content, Method = before[viewed.Path].Method }
            : null;
    }

    private IEnumerable<(ManifestEntry Entry, IndexEntry Index)> Take(ViewedEntry viewed, long seenAt, CancellationToken cancellation)
    {
        switch (viewed.Status.Kind)
        {
            case FileKind.Directory:
                return [(Bare(viewed.Path, viewed.Status), viewed.Index)];
            case FileKind.SymbolicLink:
                return new FileInfo(Absolute(viewed.Path)).LinkTarget is { } target
                    ? [(Bare(viewed.Path, viewed.Status) with { Target = target }, viewed.Index)]
                    : [];
            default:
                return BySqlite(viewed) ? TakeDatabase(viewed, seenAt, cancellation) : TakeFile(viewed.Scanned, viewed.Index, seenAt, cancellation);
        }
    }

    private IEnumerable<(ManifestEntry Entry, IndexEntry Index)> TakeDatabase(ViewedEntry viewed, long seenAt, CancellationToken cancellation)
    {
        var source = Absolute(viewed.Path);
        var copy = Path.Combine(scratch, $"sqlite.{Guid.NewGuid():N}");
        Directory.CreateDirectory(copy);
        try
        {
            var target = Path.Combine(copy, "backup");
            if (!TryCopyDatabase(viewed, source, copy, target))
            {
                // Not a database that SQLite reads: then its companions are files like any other.
                return
                [
                    .. TakeFile(viewed.Scanned, viewed.Index, seenAt, cancellation),
                    .. viewed.Companions
                        .Where(companion => !companion.Path.EndsWith(SqliteFiles.SharedMemory, StringComparison.Ordinal))
                        .SelectMany(companion => TakeFile(companion, null, seenAt, cancellation)),
                ];
            }

            using var stream = new FileStream(target, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
            var (content, _) = Store(stream, cancellation);
            return [(Bare(viewed.Path, viewed.Status) with { Content = content, Method = CaptureMethod.Sqlite }, viewed.Index)];
        }
        finally
        {
            Directory.Delete(copy, recursive: true);
        }
    }

    private bool TryCopyDatabase(ViewedEntry viewed, string source, string scratchDirectory, string target)
    {
        try
        {
            SqliteBackup.Copy(source, target);
            return true;
        }
        catch (SqliteException error) when (error.SqliteErrorCode == SqliteBusy)
        {
            throw new LocalContentException(
                $"The database {source} stayed locked, so no dump can be taken. If its application locks it for good, set capture = copy.", error);
        }
        catch (SqliteException error) when (error.SqliteErrorCode is SqliteReadOnly or SqliteCannotOpen && TrySettled(viewed, source, scratchDirectory, target))
        {
            return true;
        }
        catch (SqliteException) when (mode == CaptureMode.Auto)
        {
            return false;
        }
        catch (SqliteException error)
        {
            throw new LocalContentException(
                $"SQLite cannot read the database {source}: {error.Message}. Repair it, or set capture = auto to have such files copied.", error);
        }
    }

    /// <summary>
    /// A writer that died left a journal which only a writer may put in order: that is done in a copy, provided nobody writes meanwhile.
    /// </summary>
    private static bool TrySettled(ViewedEntry viewed, string source, string scratchDirectory, string target)
    {
        File.Delete(target);
        var inner = Path.Combine(scratchDirectory, "settled");
        Directory.CreateDirectory(inner);
        try
        {
            SqliteBackup.CopySettled(source, inner, target);
        }
        catch (SqliteException)
        {
            return false;
        }

        return FileStatus.TryRead(source) is { } after && FileIdentity.Of(after) == FileIdentity.Of(viewed.Status);
    }

    private IEnumerable<(ManifestEntry Entry, IndexEntry Index)> TakeFile(
        ScannedEntry scanned, IndexEntry? seen, long seenAt, CancellationToken cancellation)
    {
        var path = Absolute(scanned.Path);
        for (var attempt = 1; ; attempt++)
        {
            FileStatus before;
            FileContent content;
            bool added;
            try
            {
                using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
                before = FileStatus.Read(stream.SafeFileHandle);
                (content, added) = Store(stream, cancellation);
            }
            catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
            {
                return [];
            }
            catch (Exception error) when (error is UnauthorizedAccessException or IOException and not ArchiveException)
            {
                throw new LocalContentException($"The file {path} cannot be read: {error.Message} No dump can be taken before it can.", error);
            }

            Copied?.Invoke(scanned.Path);
            var after = FileStatus.TryRead(path);
            var stable = after is { } now && FileIdentity.Of(now) == FileIdentity.Of(before);
            if (!stable && attempt < Attempts)
            {
                TakeBack(content, added);
                continue;
            }

            if (after is null)
            {
                TakeBack(content, added);
                return [];
            }

            var entry = Bare(scanned.Path, before) with
            {
                Content = content,
                Method = mode == CaptureMode.Raw ? CaptureMethod.Raw : CaptureMethod.Copied,
                ChangedWhileCopied = !stable,
            };
            var settled = stable && FileSystemClock.IsSettled(before, seenAt);
            var index = seen ?? new IndexEntry(scanned.Path, FileKind.File, 0, 0, 0, default, Settled: false, Sqlite: false, default);
            return
            [
                (entry, index with
                {
                    Mode = before.Mode,
                    User = before.User,
                    Group = before.Group,
                    Identity = FileIdentity.Of(before),
                    Settled = settled && index.Log == default,
                }),
            ];
        }
    }

    private (FileContent Content, bool Added) Store(FileStream stream, CancellationToken cancellation)
    {
        if (_knownSizes.Contains(stream.Length))
        {
            var hash = Convert.ToHexStringLower(SHA256.HashData(stream));
            if (_known.TryGetValue(hash, out var stored))
            {
                return (stored, false);
            }

            stream.Position = 0;
        }

        var content = pack.Append(stream, cancellation);
        if (_known.TryGetValue(content.Sha256, out var same))
        {
            pack.TakeBack(content);
            return (same, false);
        }

        Remember(content);
        return (content, true);
    }

    private void TakeBack(FileContent content, bool added)
    {
        if (added)
        {
            _known.Remove(content.Sha256);
            pack.TakeBack(content);
        }
    }

    private void Remember(FileContent? content)
    {
        if (content is not null)
        {
            _known.TryAdd(content.Sha256, content);
            _knownSizes.Add(content.Size);
        }
    }

    private string Absolute(string path) => Path.Combine(root, path);
}
