using ClusterFs.Demo;
using ClusterFs.Posix;

namespace ClusterFs.Faults.Rig;

/// <summary>What the rig needs of the machine.</summary>
internal static class Needs
{
    private static readonly (string Program, string Package)[] Tools =
    [
        ("ip", "iproute2"),
        ("nft", "nftables"),
        ("mkfs.xfs", "xfsprogs"),
        ("xfs_io", "xfsprogs"),
        ("bindfs", "bindfs"),
        ("dpipe", "vde2"),
        ("wirefilter", "vde2"),
        ("vde_plug", "vde2"),
        ("nsenter", "util-linux"),
        ("mount", "mount"),
        ("losetup", "mount"),
        ("unshare", "util-linux"),
    ];

    private static readonly string[] Devices = ["/dev/fuse", "/dev/net/tun", "/dev/loop-control"];

    /// <summary>One sentence for each thing that is not there; empty when all is.</summary>
    public static IReadOnlyList<string> Missing()
    {
        var missing = new List<string>();
        if (!Posix.Processes.IsRoot)
        {
            missing.Add("it has to run as root: it makes network namespaces and mounts file systems");
        }

        missing.AddRange(Tools
            .Where(need => Programs.Find([need.Program]) is null)
            .Select(need => $"{need.Program} is not installed (Debian's package {need.Package})"));
        if (Programs.Find(WallClocks.Compilers) is null)
        {
            missing.Add("no C compiler is installed (Debian's package clang)");
        }

        if (PrivatePostgres.Missing is { } postgres)
        {
            missing.Add($"{postgres} (Debian's package postgresql)");
        }

        missing.AddRange(Devices.Where(device => !File.Exists(device)).Select(device => $"this machine has no {device}"));
        return missing;
    }
}
