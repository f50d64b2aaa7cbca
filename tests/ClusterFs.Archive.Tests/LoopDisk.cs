using ClusterFs.Posix;

namespace ClusterFs.Archive.Tests;

/// <summary>A file system of its own in a file, mounted while the test runs; where that is impossible, it says why.</summary>
public abstract class LoopDisk : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("clusterfs-disk-").FullName;
    private readonly bool _mounted;
    private string _image;

    /// <param name="make">The program that makes the file system.</param>
    /// <param name="package">The Debian package that has it.</param>
    protected LoopDisk(string make, string package, params string[] options)
    {
        _image = Path.Combine(_directory, "image");
        if (!Processes.IsRoot || !Programs.IsInstalled(make))
        {
            Missing = Processes.IsRoot ? $"{make} is not installed (Debian: apt-get install {package})" : "only root can mount a file system";
            return;
        }

        Directory.CreateDirectory(MountPoint);
        Programs.Run("truncate", "-s", "1G", _image);
        Programs.Run(make, ["-q", .. options, _image]);
        var (code, output) = Programs.Try("mount", "-o", "loop", _image, MountPoint);
        _mounted = code == 0;
        Missing = _mounted ? null : $"what {make} makes cannot be mounted here: {output}";
        if (_mounted)
        {
            // Servers of other users work in it.
            Programs.Run("chmod", "755", _directory);
        }
    }

    /// <summary>Why there is none; null when there is.</summary>
    public string? Missing { get; }

    public string MountPoint => Path.Combine(_directory, "disk");

    /// <summary>The machine loses its power and comes back: what had not reached the disk is gone. Nothing on it may be open.</summary>
    public void CutPower() => ComeBack(CutNow());

    /// <summary>What would be left of the disk, should the machine lose its power now. Something on it may be open.</summary>
    public string CutNow()
    {
        var left = Path.Combine(_directory, $"left.{Guid.NewGuid():N}");
        Programs.Run("cp", "--sparse=always", _image, left);
        return left;
    }

    /// <summary>The machine comes back from a loss of power. Nothing on the disk may be open.</summary>
    /// <param name="left">What was left of the disk.</param>
    public void ComeBack(string left)
    {
        Programs.Run("umount", MountPoint);
        _image = left;
        Programs.Run("mount", "-o", "loop", _image, MountPoint);
    }

    public void Dispose()
    {
        if (_mounted)
        {
            Programs.Run("umount", "-l", MountPoint);
        }

        Directory.Delete(_directory, recursive: true);
        GC.SuppressFinalize(this);
    }
}

/// <summary>A btrfs.</summary>
public sealed class BtrfsDisk() : LoopDisk("mkfs.btrfs", "btrfs-progs", "-m", "single");

/// <summary>An XFS that can share blocks between files.</summary>
public sealed class XfsDisk() : LoopDisk("mkfs.xfs", "xfsprogs", "-m", "reflink=1");

/// <summary>An ext4.</summary>
public sealed class Ext4Disk() : LoopDisk("mkfs.ext4", "e2fsprogs");
