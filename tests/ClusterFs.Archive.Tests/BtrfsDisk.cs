using ClusterFs.Posix;

namespace ClusterFs.Archive.Tests;

/// <summary>A btrfs of its own in a file, mounted while the test runs; where that is impossible, it says why.</summary>
public sealed class BtrfsDisk : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("clusterfs-btrfs-").FullName;
    private readonly bool _mounted;

    public BtrfsDisk()
    {
        if (!Processes.IsRoot || !Programs.IsInstalled("mkfs.btrfs"))
        {
            Missing = Processes.IsRoot ? "mkfs.btrfs is not installed (Debian: apt-get install btrfs-progs)" : "only root can mount a btrfs";
            return;
        }

        Directory.CreateDirectory(MountPoint);
        Programs.Run("truncate", "-s", "1G", Image);
        Programs.Run("mkfs.btrfs", "-q", "-m", "single", Image);
        var (code, output) = Programs.Try("mount", "-o", "loop", Image, MountPoint);
        _mounted = code == 0;
        Missing = _mounted ? null : $"a btrfs cannot be mounted here: {output}";
        if (_mounted)
        {
            // Servers of other users work in it.
            Programs.Run("chmod", "755", _directory);
        }
    }

    /// <summary>Why there is none; null when there is.</summary>
    public string? Missing { get; }

    public string MountPoint => Path.Combine(_directory, "disk");

    private string Image => Path.Combine(_directory, "image");

    public void Dispose()
    {
        if (_mounted)
        {
            Programs.Run("umount", "-l", MountPoint);
        }

        Directory.Delete(_directory, recursive: true);
    }
}
