using ClusterFs.Configuration;
using ClusterFs.Posix;

namespace ClusterFs.Cli.Doctor;

/// <summary>What the file system of a service's live content can do.</summary>
/// <param name="Shares">Whether files can share blocks (reflink); null when it could not be tried.</param>
/// <param name="Exchanges">Whether two names can be exchanged in one step; null when it could not be tried.</param>
/// <param name="Problem">Why it could not be tried; null when it was.</param>
internal sealed record LivePathSeen(string Path, Mount Mount, bool OnSharedStorage, bool? Shares, bool? Exchanges, string? Problem);

/// <summary>Whether a service's live content lies where it can be dumped and restored well.</summary>
internal static class LivePathCheck
{
    private const string Btrfs = "btrfs";
    private const string Prefix = ".clusterfs-doctor-";
    private const uint PermissionMask = 0x1FF;
    private const uint PrivateMode = 0x1C0;

    private static readonly TimeSpan LeftBehind = TimeSpan.FromHours(1);

    private static readonly string[] Names = ["one", "other"];

    public static Check Create(Settings settings, ServiceSettings service) => new(
        NameOf(service.Name), "the service itself waits for it", "is the disk well? See the kernel's log",
        () => Judge(service.Name, service.Live.Capture, Look(service.Live.Path, settings.Shared.Path)));

    public static IEnumerable<Finding> Judge(string service, CaptureKind capture, LivePathSeen seen)
    {
        var name = NameOf(service);
        var what = $"{seen.Path} is on {seen.Mount.Type} ({seen.Mount.Path})";
        if (seen.OnSharedStorage || MountCheck.IsNetwork(seen.Mount.Type))
        {
            yield return Finding.Failure(
                name, $"{what}, which is no local disk", "live content belongs to one node alone, and its writer would wait for a server", $"set clusterfs.services.{service}.live.path to a directory on a local disk");
            yield break;
        }

        if (seen.Mount.Type is "tmpfs" or "ramfs")
        {
            yield return Finding.Warning(name, $"{what}, which is memory", "after a restart of this machine only what was dumped is left", "use a disk");
        }

        if (capture == CaptureKind.Snapshot && seen.Mount.Type != Btrfs)
        {
            yield return Finding.Failure(
                name, $"{what}, and capture = snapshot needs btrfs", "no dump of it can be taken here", "put it on btrfs, or choose another capture");
        }

        if (seen.Problem is { } problem)
        {
            yield return Finding.Warning(name, $"{what}; what it can do was not tried: {problem}", "a takeover stages files beside the content", "run doctor as root; see to it that the directory above is there");
            yield break;
        }

        if (seen.Exchanges == false)
        {
            yield return Finding.Warning(
                name, $"{what}, which cannot exchange two names", "a takeover renames twice, and a power cut between the two is mended only when the daemon starts", "ext4, XFS and btrfs can");
        }

        yield return Finding.Ok(name, what, seen.Mount.Type == Btrfs ? "snapshots and shared blocks: a dump reads little more than what has changed"
            : seen.Shares == true ? "files share blocks: a dump of large files reads little more than what has changed, as long as they are in few pieces"
            : "no shared blocks: a dump reads each changed file whole, and stores what has changed");
    }

    /// <summary>Beside the content, where a takeover stages files.</summary>
    public static LivePathSeen Look(string path, string shared)
    {
        var parent = Path.GetDirectoryName(path) ?? "/";
        var existing = Paths.Existing(Directory.Exists(path) ? path : parent);
        var mount = MountPoints.Of(MountPoints.RealPathOf(existing));
        var onShared = mount.Path != "/" && !MountCheck.IsLocal(mount.Type) && SharedMountOf(shared) == mount.Path;
        if (!Directory.Exists(parent))
        {
            return new LivePathSeen(path, mount, onShared, null, null, $"there is no {parent} yet");
        }

        try
        {
            return Within(parent, scratch => new LivePathSeen(path, mount, onShared, TryShare(scratch), TryExchange(scratch), null));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new LivePathSeen(path, mount, onShared, null, null, e.Message);
        }
    }

    /// <summary>The directory may be somebody else's, who shall not have root write elsewhere: what is tried is tried in what was made here.</summary>
    private static LivePathSeen Within(string parent, Func<OpenDirectory, LivePathSeen> attempt)
    {
        var path = Path.Combine(parent, $"{Prefix}{Guid.NewGuid():N}");
        Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        using var scratch = OpenDirectory.TryOpen(path);
        if (scratch?.Status is not { } status || (status.Mode & PermissionMask) != PrivateMode || status.User != Accounts.Current)
        {
            throw new IOException($"{path} was replaced meanwhile");
        }

        try
        {
            RemoveLeft(parent, scratch);
            return attempt(scratch);
        }
        finally
        {
            try
            {
                Remove(path, scratch);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // Nothing beside what was seen; the next doctor removes it.
            }
        }
    }

    /// <summary>What doctors that were killed left behind, by the file system's own clock.</summary>
    private static void RemoveLeft(string parent, OpenDirectory scratch)
    {
        var old = scratch.Status.ChangedNs - (long)LeftBehind.TotalNanoseconds;
        foreach (var path in DirectoryNames.Of(parent).Names.Where(name => name.StartsWith(Prefix, StringComparison.Ordinal)).Select(name => Path.Combine(parent, name)))
        {
            using var left = OpenDirectory.TryOpen(path);
            if (left?.Status is { } status && status.ChangedNs < old && status.User == Accounts.Current && (status.Mode & PermissionMask) == PrivateMode)
            {
                Remove(path, left);
            }
        }
    }

    private static void Remove(string path, OpenDirectory scratch)
    {
        foreach (var name in Names)
        {
            File.Delete(scratch[name]);
        }

        _ = Durable.TryRemoveDirectory(path);
    }

    /// <summary>By the kernel's table alone: shared storage that hangs is not asked.</summary>
    private static string SharedMountOf(string shared) => MountPoints.Of(shared).Path;

    private static bool TryShare(OpenDirectory scratch)
    {
        File.WriteAllBytes(scratch[Names[0]], new byte[4096]);
        using var source = File.OpenHandle(scratch[Names[0]]);
        using var target = File.OpenHandle(scratch[Names[1]], FileMode.CreateNew, FileAccess.Write);
        return FileClone.TryShare(source, target);
    }

    private static bool TryExchange(OpenDirectory scratch) => Durable.TryExchange(scratch[Names[0]], scratch[Names[1]]);

    private static string NameOf(string service) => $"live content of {service}";
}
