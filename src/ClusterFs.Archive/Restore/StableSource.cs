using ClusterFs.Archive.Capture;
using ClusterFs.Archive.Manifests;
using ClusterFs.Posix;
using Microsoft.Win32.SafeHandles;

namespace ClusterFs.Archive.Restore;

/// <summary>What a file was copied from.</summary>
/// <param name="File">What is known of the bytes that were copied.</param>
/// <param name="IsSame">Whether they are the content that was wanted.</param>
internal sealed record CopiedFile(LocalFile File, bool IsSame);

/// <summary>
/// Copies from a tree that nobody should be writing, and finds out if somebody does: a copy counts only if the file is afterwards what it was
/// before. Asked for paths in the order of a manifest.
/// </summary>
/// <param name="seenAt">What the file system's clock said before: a file changed later than that is not taken.</param>
internal sealed class StableSource(LocalCopy copy, long seenAt)
{
    /// <summary>Fills an empty file with what may be an entry's content, or an older state of it.</summary>
    /// <returns>Null when there is nothing of use; the file is empty then.</returns>
    public CopiedFile? Copy(ManifestEntry entry, SafeFileHandle target, CancellationToken cancellation)
    {
        var content = entry.Content!;
        if (copy.Find(entry) is not { } found || !FileSystemClock.IsSettled(found.Status, seenAt))
        {
            return null;
        }

        var same = copy.Holds(found, content, cancellation);
        if (!same && !(content.Paged && found.Known is { Paged: true }))
        {
            return null;
        }

        using var file = found.TryOpen();
        if (file is null)
        {
            return null;
        }

        UncachedCopy.Whole(file, target, found.Status.Size, cancellation);
        if (found.Is(file))
        {
            return new CopiedFile(found, same);
        }

        RandomAccess.SetLength(target, 0);
        return null;
    }
}
