using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace ClusterFs.Posix;

/// <summary>Where a range of a file lies on its file system.</summary>
/// <param name="Logical">First byte in the file.</param>
/// <param name="Physical">First byte on the file system; of no meaning unless <paramref name="IsPlaced"/>.</param>
/// <param name="IsPlaced">
/// Whether the bytes lie at that place just as they are: not compressed or encrypted, not in a block with others, not unwritten, not still to be
/// placed.
/// </param>
public readonly record struct FileExtent(long Logical, long Physical, long Length, bool IsPlaced)
{
    /// <summary>The first byte after it.</summary>
    public long End => Logical + Length;
}

/// <summary>Where the bytes of files lie, by <c>FIEMAP</c>. Safe to use from any thread.</summary>
public static class FileExtents
{
    private const nuint MapRequest = 0xC020660B;
    private const nuint AttributesRequest = 0x801C581F;
    private const int AttributesSize = 28;
    private const uint OnRealtimeDevice = 1;
    private const uint Sync = 1;
    private const uint Last = 0x1;
    private const uint Merged = 0x1000;
    private const uint Shared = 0x2000;
    private const int HeadSize = 32;
    private const int ExtentSize = 56;
    private const int AtOnce = 2048;
    private const int FileSystemSize = 256;
    private const long BtrfsMagic = 0x9123683E;
    private const long XfsMagic = 0x58465342;

    /// <summary>
    /// Whether two files of this file system that name one place for a range hold the same bytes in it: no block that a file holds is ever written
    /// for another, and places are numbered in one way for all files. Known of btrfs and of XFS; on XFS not of files on a realtime device, whose blocks
    /// have numbers of their own.
    /// </summary>
    public static unsafe bool AreComparable(SafeFileHandle file)
    {
        var status = stackalloc byte[FileSystemSize];
        var attributes = stackalloc byte[AttributesSize];
        return Libc.ReadFileSystem(file, status) == 0
            && *(long*)status is BtrfsMagic or XfsMagic
            && Libc.Control(file, AttributesRequest, attributes) == 0
            && (*(uint*)attributes & OnRealtimeDevice) == 0;
    }

    /// <summary>How many extents a file has, as far as they are placed by now.</summary>
    /// <returns>Null when the file system does not say.</returns>
    public static unsafe int? Count(SafeFileHandle file)
    {
        var head = stackalloc byte[HeadSize];
        new Span<byte>(head, HeadSize).Clear();
        *(ulong*)(head + 8) = ulong.MaxValue;
        return Libc.Control(file, MapRequest, head) == 0 ? (int)Math.Min(*(uint*)(head + 20), int.MaxValue) : null;
    }

    /// <summary>The extents of a file in order, after all that was written to it has been placed. What none of them covers are holes.</summary>
    /// <param name="most">How many there may be.</param>
    /// <returns>Null when there are more, the file system does not say, or what it says makes no sense.</returns>
    public static unsafe IReadOnlyList<FileExtent>? TryRead(SafeFileHandle file, int most)
    {
        var found = new List<FileExtent>();
        var buffer = new byte[HeadSize + (AtOnce * ExtentSize)];
        fixed (byte* head = buffer)
        {
            for (var next = 0L; ;)
            {
                new Span<byte>(head, HeadSize).Clear();
                *(long*)head = next;
                *(ulong*)(head + 8) = ulong.MaxValue - (ulong)next;
                *(uint*)(head + 16) = Sync;
                *(uint*)(head + 24) = AtOnce;
                if (Libc.Control(file, MapRequest, head) != 0)
                {
                    return null;
                }

                var mapped = *(uint*)(head + 20);
                for (var i = 0; i < mapped; i++)
                {
                    var extent = head + HeadSize + (i * ExtentSize);
                    var flags = *(uint*)(extent + 40);
                    var one = new FileExtent(*(long*)extent, *(long*)(extent + 8), *(long*)(extent + 16), (flags & ~(Last | Merged | Shared)) == 0);
                    if (one.Logical < next || one.Length <= 0 || one.Physical < 0 || one.End < one.Logical || found.Count == most)
                    {
                        return null;
                    }

                    found.Add(one);
                    next = one.End;
                    if ((flags & Last) != 0)
                    {
                        return found;
                    }
                }

                if (mapped == 0)
                {
                    return found;
                }
            }
        }
    }
}
