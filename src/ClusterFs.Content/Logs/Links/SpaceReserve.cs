using System.Security.Cryptography;
using ClusterFs.Posix;

namespace ClusterFs.Content.Logs.Links;

/// <summary>
/// A little space kept beside a link. A disk that logs have filled gets free by moving them away, for which something must be written first.
/// </summary>
internal static class SpaceReserve
{
    public const string Name = "reserve";
    private const int Bytes = 256 * 1024;

    /// <summary>Keeps it, where there is room.</summary>
    /// <param name="local">The directory beside the link.</param>
    public static void Keep(string local)
    {
        var path = Path.Combine(local, Name);
        if (FileStatus.TryRead(path) is { Size: Bytes })
        {
            return;
        }

        try
        {
            // Not zeros, which a file system may store as nothing.
            using var stream = new FileStream(path, FileMode.Create, FileAccess.Write);
            stream.Write(RandomNumberGenerator.GetBytes(Bytes));
            stream.Flush(flushToDisk: true);
        }
        catch (IOException)
        {
            File.Delete(path);
        }
    }

    /// <summary>Does something that needs space; where there is none, once more without the reserve.</summary>
    /// <param name="action">To be done again when it has failed half way.</param>
    public static void Use(string local, Action action)
    {
        var path = Path.Combine(local, Name);
        try
        {
            action();
        }
        catch (IOException full) when (IsFull(full) && FileStatus.TryRead(path) is not null)
        {
            File.Delete(path);
            action();
        }
    }

    private static bool IsFull(IOException failure) =>
        (failure is PosixException { Error: var error } ? error : failure.HResult) is PosixException.NoSpace or PosixException.Quota;
}
