using System.Security.Cryptography;
using ClusterFs.Archive.Capture;
using ClusterFs.Archive.Packs;
using ClusterFs.Posix;
using Microsoft.Data.Sqlite;

namespace ClusterFs.Archive.Lineage;

/// <summary>Whether a tree that nobody writes holds what a manifest lists.</summary>
/// <param name="scratch">For copies of databases.</param>
internal sealed class ContentMatch(string root, string scratch)
{
    /// <param name="attributes">Whether modes, owners and times count too.</param>
    public bool Matches(TreeView view, Manifest manifest, IdentityIndex? index, bool attributes, CancellationToken cancellation)
    {
        var trusted = index?.Subject == manifest.Nonce ? index : null;
        return view.Entries.Count == manifest.Entries.Count
            && view.Entries.Zip(manifest.Entries).All(pair => IsLike(pair.First, pair.Second, attributes))
            && view.Entries.Zip(manifest.Entries).All(pair => Holds(pair.First, pair.Second, trusted, cancellation));
    }

    private static bool IsLike(ViewedEntry viewed, ManifestEntry entry, bool attributes)
    {
        if (viewed.Path != entry.Path || viewed.Status.Kind != entry.Kind)
        {
            return false;
        }

        var plain = entry.Content is not null && entry.Method != CaptureMethod.Sqlite;
        if (plain && viewed.Status.Size != entry.Content!.Size)
        {
            return false;
        }

        var owned = !Processes.IsRoot || (viewed.Status.User, viewed.Status.Group) == (entry.User, entry.Group);
        return !attributes
            || (owned && viewed.Status.Mode == entry.Mode && (!plain || viewed.Status.ModifiedNs == entry.ModifiedNs));
    }

    private bool Holds(ViewedEntry viewed, ManifestEntry entry, IdentityIndex? index, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        var path = Path.Combine(root, entry.Path);
        if (entry.Kind != FileKind.File)
        {
            return entry.Kind == FileKind.Directory || new FileInfo(path).LinkTarget == entry.Target;
        }

        if (index?.Find(entry.Path) is { Settled: true } known && TreeView.IsSame(known, viewed.Index))
        {
            return true;
        }

        var expected = entry.Content!.Sha256;
        if (entry.Method != CaptureMethod.Sqlite)
        {
            return HashOf(path) == expected;
        }

        var alone = viewed.Companions.All(companion => companion.Status.Size == 0 || companion.Path.EndsWith(SqliteFiles.SharedMemory, StringComparison.Ordinal));
        return (alone && HashOf(path) == expected) || HashOfSettled(path) == expected;
    }

    /// <summary>A dump of a database is what SQLite's backup makes of it, so the comparison is with the same.</summary>
    private string? HashOfSettled(string path)
    {
        var directory = Path.Combine(scratch, $"match.{Guid.NewGuid():N}");
        Directory.CreateDirectory(directory);
        try
        {
            var target = Path.Combine(directory, "backup");
            var inner = Path.Combine(directory, "settled");
            Directory.CreateDirectory(inner);
            SqliteBackup.CopySettled(path, inner, target);
            return HashOf(target);
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

    private static string HashOf(string path)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }
}
