using ClusterFs.Demo;

namespace ClusterFs.Faults.Rig;

/// <summary>A local disk: a file system of its own, from which a power cut takes what was not synced.</summary>
internal sealed class NodeDisk(string image, string mountPoint, long size)
{
    private static readonly TimeSpan LetGoPatience = TimeSpan.FromMinutes(1);

    public string MountPoint => mountPoint;

    /// <summary>Makes an empty file system and mounts it.</summary>
    public async Task Format()
    {
        Directory.CreateDirectory(mountPoint);
        File.Delete(image);
        await Shell.Run("truncate", "-s", $"{size}", image);
        await Shell.Run("mkfs.xfs", "-q", "-m", "reflink=1", image);
        await PowerOn();
    }

    public Task PowerOn() => Shell.Run("mount", "-o", "loop", image, mountPoint);

    /// <summary>
    /// The file system stops at once: what is in the page cache or in the log's buffers never reaches the image. Nobody may be using it any
    /// more.
    /// </summary>
    public async Task PowerOff()
    {
        await Shell.Run("xfs_io", "-x", "-c", "shutdown", mountPoint);

        // A process that is dead for its parent may still be giving up its files.
        await Eventually.Get($"nobody uses {mountPoint}", LetGoPatience, async () => await Shell.TryRun("umount", mountPoint) ? mountPoint : null);

        // Another namespace may have a copy of the mount for a moment, as one that a container boots in. What the image would be mounted as until then is this
        // file system, at its end.
        await Eventually.Get($"nobody uses {image}", LetGoPatience, async () => await Shell.TryRun("sh", "-c", "[ -z \"$(losetup -j \"$1\")\" ]", "sh", image) ? image : null);
    }
}
