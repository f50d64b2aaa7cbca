using ClusterFs.Posix;

namespace ClusterFs.Archive.Capture;

/// <summary>
/// A live directory as of one moment: in a read-only btrfs snapshot of the subvolume that it lies in. Inodes, sizes and times in it are those of
/// the live files; only the device is another.
/// </summary>
internal sealed class LiveSnapshot : IDisposable
{
    private readonly string _snapshot;

    private LiveSnapshot(string snapshot, string root)
    {
        _snapshot = snapshot;
        Root = root;
    }

    /// <summary>The live directory in the snapshot.</summary>
    public string Root { get; }

    /// <summary>Why no snapshot can be taken here, whatever lies in the live directory; null when one can.</summary>
    /// <param name="scratch">A directory on the same file system, for an attempt.</param>
    public static string? Objection(string live, string scratch)
    {
        if (!Btrfs.IsOn(live))
        {
            return $"{live} is not on btrfs";
        }

        if (Btrfs.SubvolumeOf(MountPoints.RealPathOf(live)) is null)
        {
            return $"the subvolume that {live} lies in is mounted only in part: mount it whole";
        }

        // What cannot be deleted again must not be made, and an empty subvolume can always be removed.
        var attempt = NewName(scratch);
        try
        {
            Btrfs.CreateSubvolume(attempt);
        }
        catch (PosixException error)
        {
            return $"no subvolume can be made in {scratch}: {error.Message}";
        }

        try
        {
            Btrfs.Delete(attempt);
            return null;
        }
        catch (PosixException error)
        {
            _ = Durable.TryRemoveDirectory(attempt);
            return error.Error is PosixException.NotPermitted or PosixException.AccessDenied
                ? "this user may not delete snapshots: run the daemon with CAP_SYS_ADMIN, or mount the file system with user_subvol_rm_allowed"
                : $"a subvolume made in {scratch} could not be deleted: {error.Message}";
        }
    }

    /// <exception cref="LocalContentException">It cannot be taken, or what lies in the live directory cannot be in it.</exception>
    public static LiveSnapshot Take(string live, string scratch)
    {
        try
        {
            var real = MountPoints.RealPathOf(live);
            var subvolume = Btrfs.SubvolumeOf(real) ?? throw new LocalContentException($"The subvolume that {live} lies in is not mounted whole.");
            var path = NewName(scratch);
            Btrfs.CreateSnapshot(subvolume, path);
            var snapshot = new LiveSnapshot(path, Path.Combine(path, Path.GetRelativePath(subvolume, real)));
            try
            {
                // Afterwards: whatever was mounted or made when the snapshot was taken is seen now.
                RequireWhole(live, real);
                return snapshot;
            }
            catch
            {
                snapshot.Dispose();
                throw;
            }
        }
        catch (PosixException error)
        {
            throw new LocalContentException($"No snapshot can be taken of {live}: {error.Message}.", error);
        }
    }

    public void Dispose()
    {
        try
        {
            Btrfs.Delete(_snapshot);
        }
        catch (PosixException error) when (error.Error == PosixException.NoEntry)
        {
            // Somebody else has deleted it. What went wrong before matters more.
        }
    }

    /// <summary>Deletes what crashes left. What cannot be deleted is left there: it holds nothing up.</summary>
    public static void DeleteLeft(string scratch)
    {
        foreach (var left in Directory.EnumerateDirectories(scratch).Where(Btrfs.IsSubvolume).ToList())
        {
            try
            {
                Btrfs.Delete(left);
            }
            catch (PosixException)
            {
                continue;
            }
        }
    }

    private static string NewName(string scratch) => Path.Combine(scratch, $"snapshot.{Guid.NewGuid():N}");

    private static void RequireWhole(string live, string real)
    {
        string[] inside = [.. Btrfs.SubvolumesIn(real).Select(path => Path.Combine(real, path)), .. MountPoints.Below(real)];
        if (inside.Length > 0)
        {
            throw new LocalContentException(
                $"A snapshot of {live} would lack what is a subvolume or a mount of its own in it: {string.Join(", ", inside.Distinct(StringComparer.Ordinal))}. "
                + "Make plain directories of them, or choose another capture.");
        }
    }
}
