using ClusterFs.Posix;

namespace ClusterFs.Archive.Capture;

/// <summary>Trees that nobody needs any more.</summary>
internal static class ScratchTree
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>Deletes a file, a directory with all that is in it, or a snapshot.</summary>
    public static void Delete(string path)
    {
        if (FileStatus.TryRead(path) is not { Kind: FileKind.Directory })
        {
            File.Delete(path);
            return;
        }

        if (Btrfs.IsSubvolume(path))
        {
            Btrfs.Delete(path);
            return;
        }

        // A directory may have come with a mode that denies even its owner to empty it.
        FileAttribution.SetMode(path, (uint)Private);
        foreach (var inner in Directory.EnumerateFileSystemEntries(path).ToList())
        {
            Delete(inner);
        }

        Directory.Delete(path);
    }
}
