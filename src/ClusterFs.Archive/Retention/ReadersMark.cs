using ClusterFs.Archive.Packs;
using ClusterFs.Posix;

namespace ClusterFs.Archive.Retention;

/// <summary>
/// A file that tells whoever deletes that a dump is being read, for as long as this object lives and the process does. Where the storage cannot
/// be written, such as a copy that is mounted for reading, there is none, and nobody who deletes.
/// </summary>
internal sealed class ReadersMark : IDisposable
{
    private static readonly TimeSpan Beat = TimeSpan.FromMinutes(1);

    private readonly string? _file;
    private readonly Timer? _beats;
    private int _renewing;

    /// <param name="manifest">The pack with the manifest of what is read.</param>
    public ReadersMark(ArchiveLayout layout, string manifest)
    {
        var file = Path.Combine(layout.Readers, $"{manifest}.{Guid.NewGuid():N}");
        try
        {
            Directory.CreateDirectory(layout.Readers);
            Write(file, FileMode.CreateNew);
            _file = file;
            _beats = new Timer(_ => Renew(), null, Beat, Beat);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
        }
    }

    /// <summary>Leaves the file behind: it counts until it is too old.</summary>
    public bool Stays { get; set; }

    /// <summary>The manifests that are being read. Marks that nobody has renewed for long are deleted.</summary>
    public static IReadOnlyList<PackId> List(ArchiveLayout layout, StorageClock clock, TimeSpan old)
    {
        var read = new List<PackId>();
        foreach (var file in Directory.Exists(layout.Readers) ? Directory.EnumerateFiles(layout.Readers) : [])
        {
            if (clock.AgeOf(file) is not { } age || PackId.TryParse(Path.GetFileNameWithoutExtension(file)) is not { } manifest)
            {
                continue;
            }

            if (age > old)
            {
                File.Delete(file);
            }
            else
            {
                read.Add(manifest);
            }
        }

        return read;
    }

    public void Dispose()
    {
        if (_beats is null)
        {
            return;
        }

        using (var ended = new ManualResetEvent(initialState: false))
        {
            if (_beats.Dispose(ended))
            {
                ended.WaitOne();
            }
        }

        if (!Stays)
        {
            Attempt(() => File.Delete(_file!));
        }
    }

    private static void Write(string file, FileMode mode)
    {
        using var stream = new FileStream(file, mode, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
        stream.WriteByte((byte)'\n');
        stream.Flush(flushToDisk: true);
    }

    /// <summary>One at a time: storage that hangs holds up one thread, not another with each beat.</summary>
    private void Renew()
    {
        if (Interlocked.Exchange(ref _renewing, 1) == 0)
        {
            try
            {
                Attempt(() => Write(_file!, FileMode.OpenOrCreate));
            }
            finally
            {
                Volatile.Write(ref _renewing, 0);
            }
        }
    }

    private static void Attempt(Action action)
    {
        try
        {
            action();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The storage is away, and so is what is being read.
        }
    }
}
