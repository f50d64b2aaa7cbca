using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace ClusterFs.Posix;

/// <summary>Where a file has data and where it has holes.</summary>
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
}
