namespace ClusterFs.Posix;

/// <summary>
/// Deletes trees without following a link, nor asking what it leads to: that may be on storage that hangs. Directories are held open, so that whoever puts a
/// link in the place of one that is being emptied does not have root empty another.
/// </summary>
public static class Trash
{
    private const uint OwnerOnly = 0x1C0;

    /// <summary>
    /// Deletes whatever has this name, if anything has; subvolumes of btrfs too. What others put there meanwhile stays, and so does what has a name that is
    /// no UTF-8.
    /// </summary>
    /// <param name="deleting">Told of each that is no directory, right before; not of what goes with a subvolume.</param>
    /// <exception cref="IOException">Something in it cannot be deleted.</exception>
    public static void Delete(string path, Action<FileStatus>? deleting = null)
    {
        switch (FileStatus.TryRead(path))
        {
            case null:
                return;
            case { Kind: FileKind.Directory }:
                DeleteDirectory(path, deleting);
                return;
            case { } status:
                deleting?.Invoke(status);
                File.Delete(path);
                return;
        }
    }

    private static void DeleteDirectory(string path, Action<FileStatus>? deleting)
    {
        if (Btrfs.IsSubvolume(path))
        {
            Btrfs.Delete(path);
            return;
        }

        if (!Processes.IsRoot)
        {
            // A directory may have come with a mode that denies even its owner to empty it.
            FileAttribution.SetMode(path, OwnerOnly);
        }

        using (var open = OpenDirectory.TryOpen(path))
        {
            foreach (var name in open?.Names.Names ?? [])
            {
                Delete(open![name], deleting);
            }
        }

        _ = Durable.TryRemoveDirectory(path);
    }
}
