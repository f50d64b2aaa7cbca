using System.IO.Enumeration;
using System.Runtime.ExceptionServices;
using ClusterFs.Posix;

namespace ClusterFs.Archive.Capture;

/// <summary>Trees that nobody needs any more.</summary>
internal static class ScratchTree
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>Deletes a file, a directory with all that is in it, or a snapshot.</summary>
    public static void Delete(string path)
    {
        if (FileStatus.TryRead(path) is { Kind: FileKind.Directory })
        {
            DeleteDirectory(path);
        }
        else
        {
            File.Delete(path);
        }
    }

    private static void DeleteDirectory(string path)
    {
        if (Btrfs.IsSubvolume(path))
        {
            Btrfs.Delete(path);
            return;
        }

        // A directory may have come with a mode that denies even its owner to empty it.
        FileAttribution.SetMode(path, (uint)Private);
        var entries = Entries(path);
        foreach (var (inner, _) in entries.Where(entry => !entry.IsDirectory))
        {
            File.Delete(inner);
        }

        // Looked at anew: whoever still works in the tree may have put a link there since.
        var directories = entries.Where(entry => entry.IsDirectory).Select(entry => entry.Path).ToList();
        try
        {
            Parallel.ForEach(directories, new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount }, Delete);
        }
        catch (AggregateException errors)
        {
            ExceptionDispatchInfo.Throw(errors.InnerExceptions[0]);
        }

        Directory.Delete(path);
    }

    /// <summary>What lies in a directory, and whether it is one, which most file systems tell with the name.</summary>
    private static List<(string Path, bool IsDirectory)> Entries(string directory) =>
    [
        .. new FileSystemEnumerable<(string Path, bool IsDirectory)>(
            directory,
            (ref FileSystemEntry entry) => (entry.ToFullPath(), entry.IsDirectory && (entry.Attributes & FileAttributes.ReparsePoint) == 0),
            new EnumerationOptions { AttributesToSkip = 0, IgnoreInaccessible = false }),
    ];
}
