using ClusterFs.Posix;

namespace ClusterFs.Archive.Retention;

/// <summary>
/// How long ago something was written to shared storage, by the clock of that storage alone: no node's clock has a say in what another node
/// may still need.
/// </summary>
internal sealed class StorageClock
{
    private const long NanosecondsPerTick = 100;
    private readonly long _now;

    /// <exception cref="SharedStorageException">The storage cannot be written.</exception>
    public StorageClock(ArchiveLayout layout)
    {
        var probe = layout.NewTemporary("clock");
        _now = SharedStorage.Reach(probe, () =>
        {
            try
            {
                using (var file = new FileStream(probe, FileMode.CreateNew, FileAccess.Write, FileShare.Read, bufferSize: 0))
                {
                    file.WriteByte(0);
                    file.Flush(flushToDisk: true);
                }

                return FileStatus.TryRead(probe)?.ModifiedNs ?? throw new IOException("a file just written is gone");
            }
            finally
            {
                File.Delete(probe);
            }
        });
    }

    /// <returns>Null when the file is not there.</returns>
    public TimeSpan? AgeOf(string file) =>
        FileStatus.TryRead(file) is { } status ? TimeSpan.FromTicks((_now - status.ModifiedNs) / NanosecondsPerTick) : null;
}
