using ClusterFs.Archive.Manifests;
using ClusterFs.Posix;
using Microsoft.Win32.SafeHandles;

namespace ClusterFs.Archive.Restore;

/// <summary>
/// A file that is written for the first time: past the cache if it is large, with holes where nothing is written. Ranges that do not overlap may be
/// written by several threads.
/// </summary>
internal sealed class StagedFile : IDisposable
{
    /// <summary>From this size on a file is written past the cache, in bytes. Smaller ones wait for the disk together, at the end.</summary>
    public const long UncachedFrom = 8L << 20;

    /// <summary>So many leaves are in memory at a time, to be written: with more, a disk is no faster.</summary>
    public const int MostLeaves = 4;

    /// <summary>Shorter ranges find room when they are written, in bytes: of many, asking ahead takes longer than that.</summary>
    private const long ReservedFrom = 64 * PageMap.PageSize;

    private readonly SafeFileHandle _file;
    private readonly long _size;
    private volatile bool _uncached;

    /// <param name="file">Empty. Stays open.</param>
    /// <param name="size">That it will have, in bytes.</param>
    public StagedFile(SafeFileHandle file, long size)
    {
        (_file, _size) = (file, size);
        RandomAccess.SetLength(file, size);
        _uncached = size >= UncachedFrom && Uncached.TryBegin(file);
    }

    /// <summary>
    /// Has room made for a range that will be written, if that is long. A file system that has still to find room lets one thread write at a time. Not to be called
    /// often: it waits for what is being written.
    /// </summary>
    /// <exception cref="PosixException">The disk has not so much room.</exception>
    public void Reserve(long offset, long length)
    {
        if (_uncached && length >= ReservedFrom)
        {
            _ = SparseFile.TryReserve(_file, offset, length);
        }
    }

    /// <summary>Writes the bytes of a range that begins with a page.</summary>
    /// <param name="pages">Whole pages, of which the last may go beyond the end of the file, at a place in memory that is a multiple of <see cref="Uncached.Alignment"/>.</param>
    public void Write(ReadOnlySpan<byte> pages, long offset)
    {
        if (_uncached)
        {
            try
            {
                RandomAccess.Write(_file, pages, offset);
                return;
            }
            catch (IOException refused) when (refused.HResult == PosixException.Invalid)
            {
                // A device with larger blocks, or a file system that promised too much.
                Dispose();
            }
        }

        var bytes = pages[..(int)Math.Min(pages.Length, _size - offset)];
        RandomAccess.Write(_file, bytes, offset);
        Durable.BeginSync(_file, offset, bytes.Length);
    }

    /// <summary>Everything is written: the file ends where it is to end.</summary>
    public void Complete() => RandomAccess.SetLength(_file, _size);

    public void Dispose()
    {
        if (_uncached)
        {
            Uncached.End(_file);
            _uncached = false;
        }
    }
}
