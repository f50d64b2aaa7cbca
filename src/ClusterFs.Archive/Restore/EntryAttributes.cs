using ClusterFs.Archive.Manifests;
using ClusterFs.Posix;

namespace ClusterFs.Archive.Restore;

/// <summary>Whether what lies on this node has the owner, mode, time and extended attributes of an entry.</summary>
internal static class EntryAttributes
{
    /// <summary>Owners count where this process could set them.</summary>
    /// <param name="known">What lies there, where its identity tells; null where extended attributes have to be read.</param>
    public static bool AreOf(ManifestEntry entry, string path, FileStatus status, ManifestEntry? known) =>
        (entry.Kind == FileKind.SymbolicLink || status.Mode == entry.Mode)
        && status.ModifiedNs == entry.ModifiedNs
        && (!Processes.IsRoot || (status.User, status.Group) == (entry.User, entry.Group))
        && Equals(known is not null ? known.Attributes : AttributeList.ReadFrom(path), entry.Attributes);
}
