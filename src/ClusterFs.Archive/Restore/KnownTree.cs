using ClusterFs.Archive.Capture;
using ClusterFs.Archive.Manifests;
using ClusterFs.Posix;

namespace ClusterFs.Archive.Restore;

/// <summary>What is known of a tree that is about to be updated.</summary>
/// <param name="Rows">Of its index, in order; none where there is none.</param>
/// <param name="Trusted">Whether a file whose identity is that of its row has the row's content.</param>
/// <param name="HasMaps">Whether the maps of the large contents in the rows are still in the archive.</param>
internal sealed record KnownTree(IEnumerable<IndexRow> Rows, bool Trusted, bool HasMaps)
{
    /// <param name="status">Of what lies at the row's path; null when nothing does.</param>
    public KnownEntry About(IndexRow row, FileStatus? status)
    {
        var asKnown = Trusted && row.Settled && status is { } seen && seen.Kind == row.Entry.Kind && FileIdentity.Of(seen) == row.Identity;

        // Without its map, what was known of a large file helps to find it unchanged and not to change it.
        var content = row.Entry.Content is { } had && (asKnown || HasMaps || !had.Paged) ? had : null;
        return new KnownEntry(row, content, asKnown);
    }
}

/// <param name="Content">That the file has, or had.</param>
/// <param name="IsAsKnown">Whether it has, by its identity.</param>
internal sealed record KnownEntry(IndexRow Row, FileContent? Content, bool IsAsKnown);
