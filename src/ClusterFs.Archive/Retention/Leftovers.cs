namespace ClusterFs.Archive.Retention;

/// <summary>
/// What a crash left of files that were being written. Whoever is still writing one of them does not find it any more when it is to get its name, and
/// writes it again.
/// </summary>
internal static class Leftovers
{
    private static readonly TimeSpan Old = TimeSpan.FromDays(1);

    /// <returns>Bytes that were freed.</returns>
    public static long Delete(ArchiveLayout layout, StorageClock clock)
    {
        var freed = 0L;
        foreach (var file in new DirectoryInfo(layout.Temporary).EnumerateFiles())
        {
            if (clock.AgeOf(file.FullName) is { } age && age > Old)
            {
                freed += file.Length;
                file.Delete();
            }
        }

        return freed;
    }
}
