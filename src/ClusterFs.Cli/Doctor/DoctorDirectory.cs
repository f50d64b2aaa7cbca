using System.Globalization;
using ClusterFs.Posix;

namespace ClusterFs.Cli.Doctor;

/// <summary>The directory on shared storage is not one that only those write who may.</summary>
internal sealed class UntrustedDirectoryException(string message) : IOException(message);

/// <summary>
/// Where doctors of all nodes work on shared storage, and leave what they tell one another. Others may be able to write above it, and root must not be
/// led elsewhere by a link: it is held open, and what is in it is named by way of that alone.
/// </summary>
internal static class DoctorDirectory
{
    public const string Name = "doctor";

    private const string Root = "clusterfs";
    private const uint WritableByOthers = 0x12;
    private const int GuidLength = 32;

    /// <summary>No doctor runs for as long.</summary>
    private static readonly TimeSpan LeftBehind = TimeSpan.FromHours(1);

    public static string PathIn(string shared) => Path.Combine(shared, Root, Name);

    /// <summary>Makes it where there is none.</summary>
    /// <exception cref="UntrustedDirectoryException">Somebody else made it, or may write there.</exception>
    /// <exception cref="IOException">Storage is not mounted, or not set up, or refuses.</exception>
    public static OpenDirectory Open(string shared, string node)
    {
        var path = Path.Combine(shared, Root);
        using var root = OpenDirectory.TryOpen(path) ?? throw new IOException($"there is no {path}: is {shared} mounted, and set up?");
        if (Durable.TryMakeDirectory(root[Name]))
        {
            root.Sync();
        }

        var directory = root.TryOpenBelow(Name) ?? throw new UntrustedDirectoryException($"{PathIn(shared)} is no directory");
        try
        {
            var status = directory.Status;
            if ((status.Mode & WritableByOthers) != 0)
            {
                throw new UntrustedDirectoryException(
                    $"{PathIn(shared)} has mode {Convert.ToString(status.Mode, 8)}: others may write there");
            }

            if (status.User != 0 && status.User != Accounts.Current && status.User != OwnerOfWhatIsMade(directory, node))
            {
                throw new UntrustedDirectoryException(string.Create(CultureInfo.InvariantCulture, $"{PathIn(shared)} belongs to user {status.User}"));
            }

            return directory;
        }
        catch
        {
            directory.Dispose();
            throw;
        }
    }

    /// <summary>A directory for one node's doctor alone.</summary>
    public static string NewName(string node) => $"{node}-{Guid.NewGuid():N}";

    /// <summary>Removes what this node's doctors left behind that were killed. Ages are by the storage's own clock.</summary>
    /// <param name="made">Just now, in there.</param>
    public static void Clean(OpenDirectory directory, string node, OpenDirectory made)
    {
        var now = made.Status.ChangedNs;
        foreach (var name in directory.Names.Names.Where(name => name.Length == node.Length + 1 + GuidLength && name.StartsWith($"{node}-", StringComparison.Ordinal)))
        {
            using var left = directory.TryOpenBelow(name);
            if (left is not null && now - left.Status.ChangedNs > (long)LeftBehind.TotalNanoseconds)
            {
                Empty(left);
                _ = Durable.TryRemoveDirectory(directory[name]);
            }
        }
    }

    /// <summary>Removes the files and empty directories in it.</summary>
    public static void Empty(OpenDirectory directory)
    {
        foreach (var name in directory.Names.Names)
        {
            if (!Durable.TryRemoveDirectory(directory[name]))
            {
                File.Delete(directory[name]);
            }
        }
    }

    /// <summary>Servers may make root somebody else.</summary>
    private static uint? OwnerOfWhatIsMade(OpenDirectory directory, string node)
    {
        var name = NewName(node);
        try
        {
            if (!Durable.TryMakeDirectory(directory[name]))
            {
                return null;
            }

            using var made = directory.TryOpenBelow(name);
            var owner = made?.Status.User;
            _ = Durable.TryRemoveDirectory(directory[name]);
            return owner;
        }
        catch (PosixException e) when (e.Error is PosixException.AccessDenied or PosixException.NotPermitted)
        {
            return null;
        }
    }
}
