using ClusterFs.Archive.Capture;
using ClusterFs.Archive.Manifests;
using ClusterFs.Posix;
using Microsoft.Data.Sqlite;

namespace ClusterFs.Archive.Lineage;

/// <summary>Whether a tree that nobody writes holds what a manifest lists.</summary>
/// <param name="scratch">For copies of databases.</param>
internal sealed class ContentMatch(string root, string scratch)
{
    /// <param name="look">Looks at the tree anew: what is cheap to see is compared first, before anything is read.</param>
    /// <param name="times">Whether times count too. A change of anything else is one that somebody made.</param>
    /// <param name="matched">Told every entry that matches, in order.</param>
    public bool Matches(
        Func<TreeView> look, Manifest manifest, bool times, Action<IndexRow>? matched, CancellationToken cancellation)
    {
        var files = new HashSet<(ulong Device, ulong Inode)>();
        return Compare(look(), manifest, (viewed, entry) => IsLike(viewed, entry, times), cancellation)
            && Compare(look(), manifest, Holds, cancellation);

        bool Holds(ViewedEntry viewed, ManifestEntry entry)
        {
            // Files of their own that are one file here would change together.
            var shares = viewed.Status.Links > 1 && entry.Content is not null && !files.Add((viewed.Status.Device, viewed.Status.Inode));
            if (shares || !this.Holds(viewed, entry, manifest.Head.PageSeed, cancellation))
            {
                return false;
            }

            matched?.Invoke(new IndexRow(entry, viewed.Identity, viewed.Settled, viewed.Sqlite, viewed.Log));
            return true;
        }
    }

    private static bool Compare(TreeView view, Manifest manifest, Func<ViewedEntry, ManifestEntry, bool> matches, CancellationToken cancellation)
    {
        using var expected = manifest.Entries().GetEnumerator();
        var more = expected.MoveNext();
        var bySqlite = new HashSet<string>(StringComparer.Ordinal);
        foreach (var viewed in view.Entries(cancellation))
        {
            var meant = more && expected.Current.Path == viewed.Path;
            if (!meant && IsPartOfDatabase(viewed, bySqlite))
            {
                continue;
            }

            if (!meant || !matches(viewed, expected.Current))
            {
                return false;
            }

            if (expected.Current.Method == CaptureMethod.Sqlite)
            {
                bySqlite.Add(viewed.Path);
            }

            more = expected.MoveNext();
        }

        return !more;
    }

    /// <summary>
    /// Whether a file that is not in the manifest is compared with its database, or says nothing. The log or journal of a database that was dumped
    /// as it lay there is content of its own: the dump was taken without it, and so is what is in it.
    /// </summary>
    private static bool IsPartOfDatabase(ViewedEntry viewed, HashSet<string> bySqlite) =>
        viewed.CompanionOf is { } database
        && (bySqlite.Contains(database) || viewed.Status.Size == 0 || viewed.Path.EndsWith(SqliteFiles.SharedMemory, StringComparison.Ordinal));

    private bool IsLike(ViewedEntry viewed, ManifestEntry entry, bool times)
    {
        if (viewed.Status.Kind != entry.Kind)
        {
            return false;
        }

        var plain = entry.Content is not null && entry.Method != CaptureMethod.Sqlite;
        if (plain && viewed.Status.Size != entry.Content!.Size)
        {
            return false;
        }

        var owned = !Processes.IsRoot || (viewed.Status.User, viewed.Status.Group) == (entry.User, entry.Group);
        return owned
            && viewed.Status.Mode == entry.Mode
            && (!times || !plain || viewed.Status.ModifiedNs == entry.ModifiedNs)
            && Equals(AttributeList.ReadFrom(Path.Combine(root, entry.Path)), entry.Attributes);
    }

    private bool Holds(ViewedEntry viewed, ManifestEntry entry, long seed, CancellationToken cancellation)
    {
        var path = Path.Combine(root, entry.Path);
        if (entry.Kind != FileKind.File)
        {
            return entry.Kind == FileKind.Directory || new FileInfo(path).LinkTarget == entry.Target;
        }

        if (entry.SameAs is { } first)
        {
            return FileStatus.TryRead(Path.Combine(root, first)) is { } status && status.Inode == viewed.Status.Inode;
        }

        if (viewed.Known is not null && viewed.IsAsKnown(root))
        {
            return true;
        }

        if (entry.Method != CaptureMethod.Sqlite)
        {
            return IsSame(path, entry.Content!, seed, cancellation);
        }

        return (viewed.Log == default && IsSame(path, entry.Content!, seed, cancellation)) || IsSameRecovered(path, entry.Content!, seed, cancellation);
    }

    /// <summary>A dump of a database is what a checkpoint leaves, so the comparison is with the same.</summary>
    private bool IsSameRecovered(string path, FileContent expected, long seed, CancellationToken cancellation)
    {
        var directory = Path.Combine(scratch, $"match.{Guid.NewGuid():N}");
        Directory.CreateDirectory(directory);
        try
        {
            return IsSame(SqliteRecovery.Copy(path, directory), expected, seed, cancellation);
        }
        catch (SqliteException)
        {
            return false;
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static bool IsSame(string path, FileContent expected, long seed, CancellationToken cancellation)
    {
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        var source = new FileSource(file, RandomAccess.GetLength(file));
        return source.Size == expected.Size && ContentDigest.Of(source, expected.Paged, seed, cancellation) == expected.Digest;
    }
}
