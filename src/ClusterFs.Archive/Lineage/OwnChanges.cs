using ClusterFs.Archive.Capture;
using ClusterFs.Archive.Manifests;
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

    private const long NanosecondsPerSecond = 1_000_000_000;

    private readonly List<ulong> _shared = [];
    private long _endedAt = Never;
    private long _releasedAt = Never;

    /// <summary>When this process came to the tree last; null where nothing tells: the disk had no room for the file whose stamp does, or the clock was put back.</summary>
    public long? LastAt => Math.Max(_endedAt, _releasedAt) is var last && last != Never ? last : null;

    /// <summary>The tree is what it is to be.</summary>
    public void End() => _endedAt = TryNow() ?? Never;

    /// <summary>
    /// Waits until others may have the tree: until what they change bears another time. On most file systems that is a few milliseconds after <see cref="End"/>, and
    /// never more than three seconds.
    /// </summary>
    public void AwaitOthers()
    {
        try
        {
            if (_endedAt != Never && !clock.TryWaitUntilAfter(_endedAt, CancellationToken.None))
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

    /// <summary>What is there is about to be looked at. While the clock is behind, put back since, what others change may bear any time, and nothing tells.</summary>
    /// <param name="now">By the clock.</param>
    public void BeginLook(long now)
    {
        if (now <= LastAt)
        {
            (_endedAt, _releasedAt) = (Never, Never);
        }
    }

    /// <summary>Whether nobody else has changed what was restored.</summary>
    /// <param name="status">As it is now.</param>
    /// <param name="entry">What it was restored as.</param>
    public bool Explains(FileStatus status, ManifestEntry entry) =>
        IsAs(status, entry) && (Explains(status) || (status.ChangedNs <= _releasedAt && _shared.BinarySearch(status.Inode) >= 0));

    /// <summary>Whether nobody else has changed a file that was not among what was restored.</summary>
    /// <param name="status">As it is now.</param>
    public bool Explains(FileStatus status) => status.ChangedNs <= _endedAt;

    /// <summary>
    /// Whether any later change of a file would show. Since <see cref="AwaitOthers"/> whatever others do bears a later time than what this process changed, which
    /// therefore needs no tick more.
    /// </summary>
    /// <param name="status">As it is now.</param>
    /// <param name="seenAt">By the clock, before it was looked at: see <see cref="BeginLook"/>.</param>
    public bool IsSettled(FileStatus status, long seenAt) => Explains(status) || FileSystemClock.IsSettled(status, seenAt);

    /// <summary>
    /// What is seen of it besides its time of change: that can be put back, and of a shared file it is no more than the time of a deletion.
    /// </summary>
    private static bool IsAs(FileStatus status, ManifestEntry entry) =>
        (entry.Kind == FileKind.SymbolicLink || status.Mode == entry.Mode)
        && (!Processes.IsRoot || (status.User, status.Group) == (entry.User, entry.Group))
        && (entry.Kind != FileKind.File || (IsTimeOf(status, entry) && status.Size == (entry.Content?.Size ?? status.Size)));

    /// <summary>Some file systems keep whole seconds of the time that they were given.</summary>
    private static bool IsTimeOf(FileStatus status, ManifestEntry entry) =>
        status.ModifiedNs == entry.ModifiedNs
        || (status.ChangedNs % NanosecondsPerSecond == 0 && status.ModifiedNs == entry.ModifiedNs - (entry.ModifiedNs % NanosecondsPerSecond));

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
