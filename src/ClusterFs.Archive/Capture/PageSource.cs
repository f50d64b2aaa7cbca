using ClusterFs.Posix;
using Microsoft.Win32.SafeHandles;

namespace ClusterFs.Archive.Capture;

/// <summary>Bytes to be captured, at any place.</summary>
internal interface IPageSource
{
    /// <summary>In bytes; does not change.</summary>
    long Size { get; }

    /// <summary>Fills the target. What is not there, because the file has become shorter, reads as zeros.</summary>
    void Read(long offset, Span<byte> target);

    /// <summary>Says that a range will soon be read, so that the disk may begin. Safe for use by several threads, as reading is.</summary>
    void Expect(long offset, long length);

    /// <summary>Whether a range is known to hold nothing but zeros, without reading it.</summary>
    bool IsHole(long offset, long length);
}

/// <summary>A file as it lies there.</summary>
internal sealed class FileSource(SafeFileHandle file, long size) : IPageSource
{
    private long _nextData;
    private long _askedFrom = long.MaxValue;

    public long Size => size;

    public void Read(long offset, Span<byte> target)
    {
        var done = 0;
        while (done < target.Length)
        {
            var read = RandomAccess.Read(file, target[done..], offset + done);
            if (read == 0)
            {
                target[done..].Clear();
                return;
            }

            done += read;
        }
    }

    public void Expect(long offset, long length) => FileAttribution.Expect(file, offset, length);

    public bool IsHole(long offset, long length)
    {
        if (offset < _askedFrom || offset >= _nextData)
        {
            _askedFrom = offset;
            _nextData = SparseFile.NextData(file, offset) ?? long.MaxValue;
        }

        return _nextData >= offset + length;
    }
}
