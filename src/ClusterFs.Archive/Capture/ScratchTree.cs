using ClusterFs.Posix;

namespace ClusterFs.Archive.Capture;

/// <summary>Trees that nobody needs any more.</summary>
internal static class ScratchTree
{
    /// <summary>Deletes a file, a directory with all that is in it, or a snapshot, if there is one.</summary>
    /// <param name="deleting">Told of each that is no directory, right before.</param>
    /// <exception cref="IOException">Something is left of it.</exception>
    public static void Delete(string path, Action<FileStatus>? deleting = null)
    {
        Trash.Delete(path, deleting);
        if (FileStatus.TryRead(path) is not null)
        {
            throw new IOException($"{path} cannot be deleted: somebody still writes in it, or something in it has a name that is no UTF-8.");
        }
    }
}
