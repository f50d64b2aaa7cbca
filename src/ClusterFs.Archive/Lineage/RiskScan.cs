using ClusterFs.Archive.Capture;
using ClusterFs.Posix;

namespace ClusterFs.Archive.Lineage;

/// <summary>
/// Compares a tree with the identities of its last dump. Opens no file: closing one in this process would drop the locks under which a
/// database is being copied.
/// </summary>
internal static class RiskScan
{
    public static RiskEstimate Estimate(string root, IdentityIndex? index)
    {
        if (FileStatus.TryRead(root) is null)
        {
            return new RiskEstimate(index is { Entries.Count: > 0 }, 0, 0);
        }

        var tree = TreeScan.Scan(root, CancellationToken.None);
        var files = tree.Entries.ToDictionary(entry => entry.Path, StringComparer.Ordinal);
        var changed = 0L;
        var bytes = 0L;
        var met = 0;
        var other = false;
        foreach (var entry in tree.Entries)
        {
            var known = index?.Find(entry.Path);
            if (known is null && IsCompanion(entry.Path, files, index))
            {
                continue;
            }

            met += known is null ? 0 : 1;
            if (entry.Status.Kind != FileKind.File)
            {
                other |= known is null || known.Kind != entry.Status.Kind;
                continue;
            }

            var same = known?.Identity == FileIdentity.Of(entry.Status);
            var log = TreeView.LogIdentity(files.GetValueOrDefault(entry.Path + SqliteFiles.Log)?.Status);
            var sameLog = known is not { Sqlite: true } || known.Log == log;
            if (!same || !sameLog)
            {
                changed++;
                bytes += (same ? 0 : entry.Status.Size) + (sameLog ? 0 : log.Size);
            }
        }

        var removed = index is not null && met != index.Entries.Count;
        return new RiskEstimate(changed > 0 || other || removed, changed, bytes);
    }

    private static bool IsCompanion(string path, Dictionary<string, ScannedEntry> files, IdentityIndex? index) =>
        SqliteFiles.DatabaseOf(path) is { } database
        && files.ContainsKey(database)
        && (index?.Find(database)?.Sqlite == true || path.EndsWith(SqliteFiles.SharedMemory, StringComparison.Ordinal));
}
