using ClusterFs.Archive.Capture;
using ClusterFs.Posix;

namespace ClusterFs.Archive.Lineage;

/// <summary>
/// Compares a tree with the identities of its last dump. Opens no file of it: closing one in this process would drop the locks under which a
/// database is being read.
/// </summary>
internal static class RiskScan
{
    public static RiskEstimate Estimate(string root, LocalIndex? index)
    {
        if (FileStatus.TryRead(root) is null)
        {
            return new RiskEstimate(index is { Rows: > 0 }, 0, 0);
        }

        using var rows = new KnownRows(index?.Read() ?? []);
        var view = new TreeView(root, CaptureMode.Auto, rows, long.MaxValue, (_, row) => row?.Sqlite ?? false);
        var changed = 0L;
        var bytes = 0L;
        var other = false;
        foreach (var entry in view.Entries(CancellationToken.None))
        {
            if (entry.Known is not { } known)
            {
                if (entry.CompanionOf is not null || entry.Path.EndsWith(SqliteFiles.SharedMemory, StringComparison.Ordinal))
                {
                    continue;
                }

                other |= entry.Status.Kind != FileKind.File;
                changed += entry.Status.Kind == FileKind.File ? 1 : 0;
                bytes += entry.Status.Kind == FileKind.File ? entry.Status.Size : 0;
                continue;
            }

            if (entry.Status.Kind != FileKind.File)
            {
                other |= known.Entry.Kind != entry.Status.Kind;
                continue;
            }

            var same = known.Identity == entry.Identity;
            var sameLog = !known.Sqlite || known.Log == entry.Log;
            if (!same || !sameLog)
            {
                changed++;
                bytes += (same ? 0 : entry.Status.Size) + (sameLog ? 0 : entry.Log.Size);
            }
        }

        return new RiskEstimate(changed > 0 || other || rows.Vanished > 0, changed, bytes);
    }
}
