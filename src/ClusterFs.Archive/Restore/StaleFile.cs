using ClusterFs.Archive.Capture;
using ClusterFs.Posix;
using Microsoft.Win32.SafeHandles;

namespace ClusterFs.Archive.Restore;

/// <summary>
/// A file of this node that is copied: what the kernel's cache has is read from there, the rest past it, so that copying a large file displaces nothing.
/// Read by several threads.
/// </summary>
internal sealed class StaleFile : IDisposable
{
    private readonly SafeFileHandle _file;
    private readonly SafeFileHandle? _past;

    /// <param name="file">Stays open.</param>
    public StaleFile(SafeFileHandle file)
    {
        _file = file;
        _past = TryOpenPastCache(file);
    }

    /// <summary>Fills the target. What is not there, because the file is shorter, reads as zeros.</summary>
    /// <param name="offset">Of a page.</param>
    /// <param name="pages">Whole pages, at a place in memory that is a multiple of <see cref="Uncached.Alignment"/>.</param>
    public void Read(long offset, Span<byte> pages)
    {
        if (_past is null || PageCache.HasMostOf(_file, offset, pages.Length) || !TryReadPastCache(offset, pages))
        {
            new FileSource(_file, long.MaxValue).Read(offset, pages);
        }
    }

    public void Dispose() => _past?.Dispose();

    private static SafeFileHandle? TryOpenPastCache(SafeFileHandle file)
    {
        try
        {
            var again = UnlockedFile.OpenFoundAtOnce(file);
            if (Uncached.TryBegin(again))
            {
                return again;
            }

            again.Dispose();
        }
        catch (IOException)
        {
            // Without /proc all is read through the cache.
        }

        return null;
    }

    private bool TryReadPastCache(long offset, Span<byte> pages)
    {
        try
        {
            var done = Uncached.Read(_past!, offset, pages);
            if (done < pages.Length && offset + done < RandomAccess.GetLength(_past!))
            {
                return false;
            }

            pages[done..].Clear();
            return true;
        }
        catch (IOException refused) when (refused.HResult == PosixException.Invalid)
        {
            return false;
        }
    }
}
