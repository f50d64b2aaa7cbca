using ClusterFs.Archive.Capture;
using ClusterFs.Posix;

namespace ClusterFs.Archive.Lineage;

/// <summary>
/// Tells which files of a tree, made right away from the live path and then put there, nobody but this process has changed: by the time of its last change, and of
/// the files that the tree it replaced had too, by what they were when that was deleted. Used by one thread.
/// </summary>
/// <param name="clock">Of the file system that the tree is on.</param>
internal sealed class OwnChanges(FileSystemClock clock)
{
    /// <summary>Before any change there was.</summary>
    private const long Never = long.MinValue;

    private readonly List<ulong> _shared = [];
    private long _endedAt = Never;
    private long _releasedAt = Never;

    /// <summary>When this process came to the tree last; null where the disk had no room for the file whose stamp tells.</summary>
    public long? LastAt => Math.Max(_endedAt, _releasedAt) is var last && last != Never ? last : null;

    /// <summary>The tree is what it is to be.</summary>
    public void End() => _endedAt = TryNow() ?? Never;

    /// <summary>
    /// Waits until others may have the tree: until what they change bears another time. On most file systems that is a few milliseconds after <see cref="End"/>.
    /// </summary>
    public void AwaitOthers(CancellationToken cancellation)
    {
        try
        {
            if (_endedAt != Never && !clock.TryWaitUntilAfter(_endedAt, cancellation))
            {
                _endedAt = Never;
            }
        }
        catch (Exception error) when (error is UnauthorizedAccessException or IOException)
        {
            _endedAt = Never;
        }
    }

    /// <summary>A file of the tree that was replaced is about to lose its name there. If that is not its last, its time of change is then that of its deletion.</summary>
    public void Release(FileStatus file)
    {
        if (file is { Kind: FileKind.File, Links: > 1 } && file.ChangedNs <= _endedAt)
        {
            _shared.Add(file.Inode);
        }
    }

    /// <summary>All names in the tree that was replaced are gone.</summary>
    public void EndRelease()
    {
        if (_shared.Count > 0)
        {
            _shared.Sort();
            _releasedAt = TryNow() ?? Never;
        }
    }

    /// <summary>Whether nobody else has changed a file.</summary>
    /// <param name="file">As it is now.</param>
    /// <param name="modifiedNs">Its time of modification, as this process knew or made it; null where it has no business with that.</param>
    public bool Explains(FileIdentity file, long? modifiedNs) =>
        file.ChangedNs <= _endedAt
        || (file.ChangedNs <= _releasedAt && file.ModifiedNs == (modifiedNs ?? file.ModifiedNs) && _shared.BinarySearch(file.Inode) >= 0);

    /// <returns>Null where the disk has no room for the file whose stamp tells: the content is not to fail for that, and is read once more.</returns>
    private long? TryNow()
    {
        try
        {
            return clock.Now();
        }
        catch (Exception error) when (error is UnauthorizedAccessException or IOException)
        {
            return null;
        }
    }
}
