using ClusterFs.Posix;

namespace ClusterFs.Systemd.Tests.Rig;

/// <summary>What these tests need of the machine.</summary>
internal static class Needs
{
    private static readonly (string Program, string Package)[] Programs =
    [
        ("systemd-nspawn", "systemd-container"),
        ("ip", "iproute2"),
        ("nsenter", "util-linux"),
        ("bindfs", "bindfs"),
        ("python3", "python3"),
        ("dpkg-deb", "dpkg"),
        ("pg_createcluster", "postgresql"),
    ];

    /// <summary>The package that is tested; null when none was made.</summary>
    public static string? Package =>
        Environment.GetEnvironmentVariable("CLUSTERFS_PACKAGE") is { Length: > 0 } named ? named
        : FindUpwards("out/package") is { } directory ? Directory.GetFiles(directory, "clusterfs_*.deb").Order(StringComparer.Ordinal).FirstOrDefault()
        : null;

    /// <summary>Empty when all is there.</summary>
    public static string Missing =>
        !Processes.IsRoot ? "it has to run as root: it boots systems with systemd"
        : Programs.FirstOrDefault(need => !IsInstalled(need.Program)) is { Program: { } program, Package: var package }
            ? $"{program} is not installed (Debian's package {package})"
        : !File.Exists("/dev/fuse") ? "this machine has no /dev/fuse"
        : Package is null ? "there is no package: ./build.sh package makes it"
        : "";

    private static bool IsInstalled(string program) =>
        new[] { "/usr/bin", "/usr/sbin", "/bin", "/sbin" }.Any(directory => File.Exists(Path.Combine(directory, program)));

    private static string? FindUpwards(string path)
    {
        for (var at = new DirectoryInfo(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            if (Directory.Exists(Path.Combine(at.FullName, path)))
            {
                return Path.Combine(at.FullName, path);
            }
        }

        return null;
    }
}
