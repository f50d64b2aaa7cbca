using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using ClusterFs.Configuration;
using ClusterFs.Posix;

namespace ClusterFs.Cli.Doctor;

/// <summary>What lies at <c>shared.path</c>.</summary>
/// <param name="IsPrepared">Whether <c>clusterfs</c> is in it, which tells the storage from a bare mount point.</param>
/// <param name="IsServed">Whether another node has lately written there: then this machine is the server.</param>
/// <param name="OneMachine">Whether all nodes are on this machine, which needs nothing shared.</param>
internal sealed record SharedSeen(string Path, Mount Mount, bool IsPrepared, bool OneMachine, bool IsServed = false);

/// <summary>Whether <c>shared.path</c> is storage that the other nodes see too, mounted as it should be.</summary>
internal static class MountCheck
{
    public const string Name = "shared mount";

    public const string HungMeaning = "dumps and takeovers wait for it; services that run go on";
    public const string HungRemedy = "is its server there? See the kernel's log; 'findmnt' says what is mounted, 'umount -f -l' lets go of what does not come back";

    /// <summary>Of one machine's own disks.</summary>
    private static readonly ImmutableHashSet<string> Local =
    [
        "ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "jfs", "bcachefs", "overlay", "tmpfs", "ramfs", "vfat", "exfat", "ntfs3", "squashfs", "devtmpfs",
    ];

    /// <summary>Of servers; those of NFS apart.</summary>
    private static readonly ImmutableHashSet<string> Network =
    [
        "ceph", "fuse.ceph", "fuse.ceph-fuse", "fuse.glusterfs", "cifs", "smb3", "9p", "lustre", "gfs2", "ocfs2", "beegfs", "afs", "orangefs", "fuse.sshfs", "fuse.s3fs", "fuse.juicefs",
    ];

    private static readonly ImmutableArray<string> Caching = ["acregmax", "acdirmax"];

    public static bool IsLocal(string type) => Local.Contains(type);

    public static bool IsNetwork(string type) => type.StartsWith("nfs", StringComparison.Ordinal) || Network.Contains(type);

    public static Check Create(Settings settings, TimeProvider time) => new(Name, HungMeaning, HungRemedy, () =>
    {
        var path = settings.Shared.Path;
        if (!Directory.Exists(path))
        {
            return [Finding.Failure(Name, $"{path}: there is no such directory", "there is nowhere to dump to, and nothing to restore from", $"mount the shared file system at {path}")];
        }

        return Judge(new SharedSeen(
            path, MountPoints.Of(MountPoints.RealPathOf(path)), Directory.Exists(Path.Combine(path, "clusterfs")), IsOneMachine(settings), MarkCheck.HasFreshMark(settings, time)));
    });

    public static bool IsOneMachine(Settings settings) => settings.Cluster.Nodes.Values.All(address => IPAddress.IsLoopback(IPAddress.Parse(address)));

    public static IEnumerable<Finding> Judge(SharedSeen seen)
    {
        var mount = seen.Mount;
        var what = $"{seen.Path} is {mount.Type} ({mount.Source} on {mount.Path})";
        if (IsLocal(mount.Type) && !seen.OneMachine && seen.IsServed)
        {
            yield return Finding.Warning(
                Name, $"{what}, a local file system, and another node wrote there lately", "this machine serves the others: while it is off, nothing can be dumped or restored anywhere",
                "use storage that outlives a node");
            yield break;
        }

        if (IsLocal(mount.Type) && !seen.OneMachine)
        {
            yield return Finding.Failure(
                Name, $"shared.path is not a mount of shared storage: {what}", "the other nodes do not see what is written there, so nothing could be restored on them",
                $"mount the shared file system at {seen.Path}, and see to it that it is mounted at boot; if this machine is its server, run doctor on another node first");
            yield break;
        }

        if (!seen.IsPrepared)
        {
            yield return Finding.Failure(
                Name, $"{what}, and there is no directory clusterfs in it", "either it is not mounted, or it was never set up: nothing is written there",
                $"once the right file system is mounted: mkdir {seen.Path}/clusterfs");
            yield break;
        }

        if (mount.Options.Contains("soft") || mount.Options.Contains("softerr"))
        {
            yield return Finding.Warning(
                Name, $"{what}, mounted soft", "a server that is slow becomes an error in the middle of a dump, which is then taken again", "mount it hard");
        }

        yield return Finding.Ok(
            Name, what, IsLocal(mount.Type) ? "all nodes are on this machine, so a local file system does" : CachingOf(mount));
    }

    private static string CachingOf(Mount mount)
    {
        if (mount.Options.Contains("noac"))
        {
            return "attributes are not cached";
        }

        var longest = mount.Options
            .Select(option => option.Split('='))
            .Where(option => option.Length == 2 && Caching.Contains(option[0]))
            .Select(option => int.TryParse(option[1], CultureInfo.InvariantCulture, out var seconds) ? seconds : 0)
            .DefaultIfEmpty(mount.Type.StartsWith("nfs", StringComparison.Ordinal) ? 60 : 0)
            .Max();
        return longest == 0 ? "" : $"listings may be {longest} s old here; nothing is decided by them";
    }
}
