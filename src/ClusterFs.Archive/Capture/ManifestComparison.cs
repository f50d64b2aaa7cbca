using ClusterFs.Archive.Packs;
using ClusterFs.Posix;

namespace ClusterFs.Archive.Capture;

/// <summary>When two lists of entries are the same content.</summary>
internal static class ManifestComparison
{
    /// <summary>
    /// Times count only where they are part of the content: not of directories, which change with their entries, and not of databases, whose
    /// file is rewritten by a checkpoint that changes nothing.
    /// </summary>
    public static bool IsSame(IReadOnlyList<ManifestEntry> one, IReadOnlyList<ManifestEntry> other) =>
        one.Count == other.Count && one.Zip(other).All(pair => IsSame(pair.First, pair.Second));

    private static bool IsSame(ManifestEntry one, ManifestEntry other) =>
        (one.Path, one.Kind, one.Mode, one.User, one.Group, one.Target, one.Content?.Sha256, one.ChangedWhileCopied)
            == (other.Path, other.Kind, other.Mode, other.User, other.Group, other.Target, other.Content?.Sha256, other.ChangedWhileCopied)
        && (one.Kind != FileKind.File || one.Method == CaptureMethod.Sqlite || one.ModifiedNs == other.ModifiedNs);
}
