using ClusterFs.Demo;
using ClusterFs.Posix;

namespace ClusterFs.Faults.Rig;

/// <summary>What the rig needs of the machine.</summary>
internal static class Needs
{
    public const string FakeTime = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";

    private static readonly (string Program, string Package)[] Programs =
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

        var path = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Append("/usr/sbin").Append("/sbin");
        missing.AddRange(Programs
            .Where(need => !path.Any(directory => File.Exists(Path.Combine(directory, need.Program))))
            .Select(need => $"{need.Program} is not installed (Debian's package {need.Package})"));
        if (!File.Exists(FakeTime))
        {
            missing.Add($"{FakeTime} is not installed (Debian's package faketime)");
        }

        if (PrivatePostgres.Missing is { } postgres)
        {
            missing.Add($"{postgres} (Debian's package postgresql)");
        }

        missing.AddRange(Devices.Where(device => !File.Exists(device)).Select(device => $"this machine has no {device}"));
        return missing;
    }
}
