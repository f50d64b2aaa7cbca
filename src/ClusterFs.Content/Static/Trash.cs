using ClusterFs.Posix;

namespace ClusterFs.Content.Static;

/// <summary>
/// Deletes trees without following a link, nor asking what it leads to: that may be on storage that hangs. Directories are held open, so that whoever puts a
/// link in the place of one that is being emptied does not have root empty another.
/// </summary>
internal static class Trash
{
    private const uint OwnerOnly = 0x1C0;

    /// <summary>Deletes whatever has this name, if anything has.</summary>
    /// <exception cref="IOException">Something in it cannot be deleted.</exception>
    public static void Delete(string path)
    {
        switch (FileStatus.TryRead(path))
        {
            case null:
                return;
            case { Kind: FileKind.Directory }:
                if (!Processes.IsRoot)
                {
                    // A directory may have come with a mode that denies even its owner to empty it.
                    FileAttribution.SetMode(path, OwnerOnly);
                }

                using (var open = OpenDirectory.TryOpen(path))
                {
                    foreach (var name in open?.Names.Names ?? [])
                    {
                        Delete(open![name]);
                    }
                }

                _ = Durable.TryRemoveDirectory(path);
                return;
            default:
                File.Delete(path);
                return;
        }
    }
}
