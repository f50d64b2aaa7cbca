using ClusterFs.Demo;

namespace ClusterFs.Faults.Rig;

/// <summary>A local disk: a file system of its own, from which a power cut takes what was not synced.</summary>
internal sealed class NodeDisk(string image, string mountPoint, long size)
{
    private static readonly TimeSpan LetGoPatience = TimeSpan.FromSeconds(15);

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

    /// <summary>
    /// Through a device of its own. A container that was booted meanwhile keeps a copy of the mount that the power cut ended, as long as it lives; and through
    /// the same device that dead file system would be mounted again.
    /// </summary>
    public Task PowerOn() => Shell.Run(
        "sh",
        "-c",
        """
        device=$(losetup --find --show "$1") || exit
        mount -o nouuid "$device" "$2"; mounted=$?
        losetup --detach "$device"   # Once nobody uses it any more.
        exit $mounted
        """,
        "sh",
        image,
        mountPoint);

    /// <summary>
    /// The file system stops at once: what is in the page cache or in the log's buffers never reaches the image. Nobody may be using it any
    /// more.
    /// </summary>
    public async Task PowerOff()
    {
        await Shell.Run("xfs_io", "-x", "-c", "shutdown", mountPoint);

        // A process that is dead for its parent may still be giving up its files.
        await Eventually.Get($"nobody uses {mountPoint}", LetGoPatience, async () => await Shell.TryRun("umount", mountPoint) ? mountPoint : null);
    }
}
