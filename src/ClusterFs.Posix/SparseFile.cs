using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace ClusterFs.Posix;

/// <summary>Where a file has data, where it has holes, and where it has room.</summary>
public static class SparseFile
{
    /// <summary>The first byte of data at or after an offset.</summary>
    /// <returns>Null when only a hole follows. The offset itself where the file system knows nothing of holes.</returns>
    public static long? NextData(SafeFileHandle file, long offset)
    {
        var found = Libc.Seek(file, offset, Libc.SeekData);
        return found >= 0 ? found : Marshal.GetLastPInvokeError() == PosixException.NoSuchAddress ? null : offset;
    }

    /// <summary>The first byte of a hole at or after an offset that lies in data; the end of the file counts as one.</summary>
    /// <returns>Null where the file system knows nothing of holes.</returns>
    public static long? NextHole(SafeFileHandle file, long offset)
    {
        var found = Libc.Seek(file, offset, Libc.SeekHole);
        return found >= 0 ? found : null;
    }

    /// <summary>Has the file system find room for a range, which reads as zeros until it is written; the file keeps its size.</summary>
    /// <returns>False where the file system cannot do that.</returns>
    /// <exception cref="PosixException">The disk, or the quota, has not so much room.</exception>
    public static bool TryReserve(SafeFileHandle file, long offset, long length)
    {
        if (Libc.Reserve(file, Libc.ReserveKeepingSize, offset, length) == 0)
        {
            return true;
        }

        var error = Marshal.GetLastPInvokeError();
        return error is PosixException.NoSpace or PosixException.Quota
            ? throw new PosixException("fallocate", PlainFile.PathOf(file) ?? "an open file", error)
            : false;
    }

    /// <summary>Makes a hole of a range: it reads as zeros, and takes no room. The file keeps its size.</summary>
    /// <returns>False where the file system cannot do that; nothing has changed then.</returns>
    public static bool TryPunch(SafeFileHandle file, long offset, long length) =>
        Libc.Reserve(file, Libc.PunchHoleKeepingSize, offset, length) == 0;
}
