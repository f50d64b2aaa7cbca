using ClusterFs.Posix;

namespace ClusterFs.Archive.Capture;

/// <summary>Which files belong to an SQLite database.</summary>
internal static class SqliteFiles
{
    public const string Log = "-wal";
    public const string SharedMemory = "-shm";
    public const string Journal = "-journal";

    private static ReadOnlySpan<byte> Magic => "SQLite format 3\0"u8;

    /// <summary>Whether a file begins like a database. A file that cannot be opened does not.</summary>
    public static bool IsDatabase(string file)
    {
        try
        {
            using var handle = UnlockedFile.OpenRead(file);
            Span<byte> start = stackalloc byte[Magic.Length];
            return RandomAccess.Read(handle, start, 0) == start.Length && start.SequenceEqual(Magic);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>The database a path would belong to by its name.</summary>
    /// <returns>Null when the name says nothing of the kind.</returns>
    public static string? DatabaseOf(string path)
    {
        foreach (var suffix in (string[])[Log, SharedMemory, Journal])
        {
            if (path.Length > suffix.Length && path.EndsWith(suffix, StringComparison.Ordinal))
            {
                return path[..^suffix.Length];
            }
        }

        return null;
    }
}
