using System.Globalization;

namespace ClusterFs.Guard.Execution;

/// <summary>A cgroup v2 group: what is in it cannot get out by forking, and can be killed whole.</summary>
internal sealed class ControlGroup(string directory)
{
    private const string ManagerScope = "/init.scope";

    /// <summary>Neither changes while this machine runs; looked for again only where there was none.</summary>
    private static string? _unitRoot;

    public string Directory => directory;

    /// <summary>By the kernel's word, nothing in the group runs until somebody thaws it or it is killed.</summary>
    public bool IsFrozen
    {
        get
        {
            try
            {
                return File.ReadLines(Path.Combine(directory, "cgroup.events")).Contains("frozen 1");
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                return false;
            }
        }
    }

    /// <summary>What was frozen in it is there, and frozen.</summary>
    public bool HoldsFrozen => IsFrozen && IsPopulated;

    private bool IsPopulated
    {
        get
        {
            var found = new HashSet<int>();
            AddProcesses(found);
            return found.Count > 0;
        }
    }

    /// <summary>Where this process may make groups: below its own.</summary>
    /// <returns>Null where there is no cgroup v2 hierarchy.</returns>
    public static string? OwnDirectory() =>
        MountPoint() is { } mount && PathOf(File.ReadAllLines("/proc/self/cgroup")) is { } own ? Join(mount, own) : null;

    /// <summary>
    /// The group that a unit of this machine's systemd runs in, looked for in the hierarchy itself: no other program is waited for.
    /// </summary>
    /// <returns>Null when there is none: then nothing of the unit is alive.</returns>
    public static ControlGroup? OfUnit(string unit)
    {
        if ((_unitRoot ??= FindUnitRoot()) is not { } root)
        {
            return null;
        }

        return OfUnit(root, unit.Contains('.', StringComparison.Ordinal) ? unit : $"{unit}.service");
    }

    private static string? FindUnitRoot()
    {
        if (MountPoint() is not { } mount)
        {
            return null;
        }

        // systemd itself is in a scope of its own below the root that it knows.
        var manager = PathOf(File.ReadAllLines("/proc/1/cgroup"));
        return mount + (manager is not null && manager.EndsWith(ManagerScope, StringComparison.Ordinal) ? manager[..^ManagerScope.Length] : "");
    }

    /// <summary>Only slices are searched: a container's own systemd may have a unit of the same name, which is no concern of this one.</summary>
    public static ControlGroup? OfUnit(string root, string unit)
    {
        var directory = Path.Combine(root, unit);
        if (System.IO.Directory.Exists(directory))
        {
            return new ControlGroup(directory);
        }

        try
        {
            return System.IO.Directory.EnumerateDirectories(root, "*.slice")
                .Select(slice => OfUnit(slice, unit)).FirstOrDefault(found => found is not null);
        }
        catch (DirectoryNotFoundException)
        {
            // A slice that went away has taken its units with it.
            return null;
        }
    }

    /// <summary>Tries whether groups can be made and frozen here.</summary>
    /// <exception cref="IOException">They cannot.</exception>
    /// <exception cref="UnauthorizedAccessException">This process may not.</exception>
    public static void TryFreezing(string name)
    {
        var group = new ControlGroup(Path.Combine(OwnDirectory() ?? throw new IOException("no cgroup v2 hierarchy is mounted"), name));
        _ = System.IO.Directory.CreateDirectory(group.Directory);
        try
        {
            group.SetFrozen(true);
        }
        finally
        {
            group.Remove();
        }
    }

    /// <exception cref="IOException">The hierarchy cannot be written, or the group still holds what was frozen.</exception>
    /// <exception cref="UnauthorizedAccessException">This process may not.</exception>
    public static ControlGroup CreateWith(string directory, int process)
    {
        _ = System.IO.Directory.CreateDirectory(directory);
        var group = new ControlGroup(directory);
        if (group.IsFrozen)
        {
            // A group that could not be removed is used again; what was frozen in it is never let go.
            if (group.IsPopulated)
            {
                group.Kill();
                throw new IOException($"{directory} still holds what was frozen");
            }

            group.SetFrozen(false);
        }

        File.WriteAllText(Path.Combine(directory, "cgroup.procs"), process.ToString(CultureInfo.InvariantCulture));
        return group;
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

    /// <summary>Asks the kernel to freeze everything in the group; <see cref="IsFrozen"/> says when it has.</summary>
    /// <returns>False when it refuses.</returns>
    public bool TryFreeze()
    {
        try
        {
            SetFrozen(true);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
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

    private void SetFrozen(bool frozen)
    {
        using var file = new FileStream(Path.Combine(directory, "cgroup.freeze"), FileMode.Open, FileAccess.Write);
        file.Write(frozen ? "1"u8 : "0"u8);
    }

    private static string Join(string mount, string path) => path == "/" ? mount : $"{mount}{path}";

    private static string? MountPoint() =>
        File.ReadLines("/proc/self/mounts").Select(line => line.Split(' ')).FirstOrDefault(fields => fields.Length > 2 && fields[2] == "cgroup2")?[1];

    private static string? PathOf(string[] groups) =>
        groups.FirstOrDefault(line => line.StartsWith("0::", StringComparison.Ordinal))?["0::".Length..];
}
