using System.Globalization;

namespace ClusterFs.Guard.Execution;

/// <summary>A cgroup v2 group: what is in it cannot get out by forking, and can be killed whole.</summary>
internal sealed class ControlGroup(string directory)
{
    public string Directory => directory;

    /// <summary>Where this process may make groups: below its own.</summary>
    /// <returns>Null where there is no cgroup v2 hierarchy.</returns>
    public static string? OwnDirectory() =>
        MountPoint() is { } mount && PathOf(File.ReadAllLines("/proc/self/cgroup")) is { } own ? Join(mount, own) : null;

    /// <summary>The group that a systemd unit runs in.</summary>
    public static ControlGroup? OfUnit(string controlGroup) =>
        MountPoint() is { } mount && controlGroup.Length > 1 && System.IO.Directory.Exists(Join(mount, controlGroup))
            ? new ControlGroup(Join(mount, controlGroup))
            : null;

    /// <exception cref="IOException">The hierarchy cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">This process may not.</exception>
    public static ControlGroup CreateWith(string directory, int process)
    {
        _ = System.IO.Directory.CreateDirectory(directory);
        File.WriteAllText(Path.Combine(directory, "cgroup.procs"), process.ToString(CultureInfo.InvariantCulture));
        return new ControlGroup(directory);
    }

    /// <summary>The processes in the group and the groups below it.</summary>
    public void AddProcesses(ISet<int> found)
    {
        try
        {
            foreach (var path in System.IO.Directory.EnumerateFiles(directory, "cgroup.procs", SearchOption.AllDirectories))
            {
                foreach (var line in File.ReadLines(path))
                {
                    _ = found.Add(int.Parse(line, CultureInfo.InvariantCulture));
                }
            }
        }
        catch (IOException)
        {
            // The group is gone, and with it whatever was in it.
        }
    }

    /// <summary>Kills everything in the group at once, where the kernel can (5.14 and later).</summary>
    public void Kill()
    {
        try
        {
            using var file = new FileStream(Path.Combine(directory, "cgroup.kill"), FileMode.Open, FileAccess.Write);
            file.Write("1"u8);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The processes are killed one by one all the same.
        }
    }

    public void Remove()
    {
        try
        {
            System.IO.Directory.Delete(directory);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // An empty group does no harm; the next epoch uses it again.
        }
    }

    private static string Join(string mount, string path) => path == "/" ? mount : $"{mount}{path}";

    private static string? MountPoint() =>
        File.ReadLines("/proc/self/mounts").Select(line => line.Split(' ')).FirstOrDefault(fields => fields.Length > 2 && fields[2] == "cgroup2")?[1];

    private static string? PathOf(string[] groups) =>
        groups.FirstOrDefault(line => line.StartsWith("0::", StringComparison.Ordinal))?["0::".Length..];
}
