using ClusterFs.Archive.Manifests;
using ClusterFs.Posix;

namespace ClusterFs.Archive;

public enum ChangeKind
{
    Added,
    Changed,
    Removed,
}

/// <summary>How a dump differs from another in one path.</summary>
/// <param name="Bytes">Size of the file; of a removed one, the size it had; 0 of anything else.</param>
public sealed record EntryChange(ChangeKind Kind, string Path, long Bytes)
{
    /// <summary>Compares two lists of entries as they are enumerated. Times alone, of anything but files, are no change.</summary>
    internal static IEnumerable<EntryChange> Between(IEnumerable<ManifestEntry> older, IEnumerable<ManifestEntry> newer) =>
        Between(older, newer, Essence);

    /// <param name="essence">Of an entry, what counts.</param>
    internal static IEnumerable<EntryChange> Between(
        IEnumerable<ManifestEntry> older, IEnumerable<ManifestEntry> newer, Func<ManifestEntry, ManifestEntry> essence)
    {
        using var one = older.GetEnumerator();
        using var other = newer.GetEnumerator();
        var hasOne = one.MoveNext();
        var hasOther = other.MoveNext();
        while (hasOne || hasOther)
        {
            var order = !hasOne ? 1 : !hasOther ? -1 : PathOrder.Compare(one.Current.Path, other.Current.Path);
            if (order < 0)
            {
                yield return Of(ChangeKind.Removed, one.Current);
            }
            else if (order > 0)
            {
                yield return Of(ChangeKind.Added, other.Current);
            }
            else if (essence(one.Current) != essence(other.Current))
            {
                yield return Of(ChangeKind.Changed, other.Current);
            }

            hasOne = order <= 0 ? one.MoveNext() : hasOne;
            hasOther = order >= 0 ? other.MoveNext() : hasOther;
        }
    }

    /// <summary>What counts where content was kept: not its times, nor that a dump is taken in another way than what is kept as it lies there.</summary>
    internal static ManifestEntry OfContent(ManifestEntry entry) =>
        Essence(entry) with { ModifiedNs = 0, Method = default, ChangedWhileCopied = false };

    private static EntryChange Of(ChangeKind kind, ManifestEntry entry) => new(kind, entry.Path, entry.Content?.Size ?? 0);

    private static ManifestEntry Essence(ManifestEntry entry) => entry with
    {
        Content = entry.Content is { } content ? new FileContent(content.Size, content.Digest) : null,
        ModifiedNs = entry.Kind == FileKind.File ? entry.ModifiedNs : 0,
    };
}
