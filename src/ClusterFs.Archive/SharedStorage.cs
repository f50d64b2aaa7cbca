using ClusterFs.Posix;

namespace ClusterFs.Archive;

/// <summary>Turns what the file system says of shared storage into words for whoever looks at the status.</summary>
internal static class SharedStorage
{
    public static T Reach<T>(string path, Func<T> action)
    {
        try
        {
            return action();
        }
        catch (ArchiveException)
        {
            throw;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new SharedStorageException(path, $"{error.Message.TrimEnd('.')}. Check that it is mounted and writable.", error);
        }
    }

    public static void Reach(string path, Action action) => Reach(path, () =>
    {
        action();
        return true;
    });

    /// <summary>Opens a file for reading.</summary>
    /// <returns>Null when there is none.</returns>
    public static FileStream? TryOpen(string path) => Reach(path, () =>
    {
        try
        {
            return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    });

    /// <summary>Moves a complete, synced file to its final name. A rename that a network file system retried is a success.</summary>
    public static void Publish(string temporary, string final) => Reach(final, () =>
    {
        try
        {
            File.Move(temporary, final, overwrite: true);
        }
        catch (FileNotFoundException) when (File.Exists(final))
        {
        }

        Durable.SyncDirectory(Path.GetDirectoryName(final)!);
    });
}
