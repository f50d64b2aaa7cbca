using ClusterFs.Archive.Manifests;
using ClusterFs.Posix;

namespace ClusterFs.Archive.Capture;

/// <summary>What tells, without reading a file, that it is still the same.</summary>
internal readonly record struct FileIdentity(long Size, long ModifiedNs, long ChangedNs, ulong Inode)
{
    public static FileIdentity Of(FileStatus status) => new(status.Size, status.ModifiedNs, status.ChangedNs, status.Inode);
}

/// <summary>An entry of a dump, and what its file looked like on this node when the dump was taken.</summary>
/// <param name="Settled">
/// False when the file was changed so shortly before it was looked at that a later change might bear the same time: equal identity then
/// proves nothing.
/// </param>
/// <param name="Sqlite">Whether the file is captured by SQLite; its write-ahead log then belongs to it.</param>
/// <param name="Log">Identity of the write-ahead log; all zero when there is none or it is empty.</param>
internal sealed record IndexRow(ManifestEntry Entry, FileIdentity Identity, bool Settled, bool Sqlite, FileIdentity Log)
{
    /// <summary>Of an entry about whose file nothing is known here.</summary>
    public static IndexRow Unseen(ManifestEntry entry) => new(entry, default, Settled: false, entry.Method == CaptureMethod.Sqlite, default);
}
