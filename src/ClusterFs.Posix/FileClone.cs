using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace ClusterFs.Posix;

/// <summary>Copies of files within one file system, without moving bytes where it can.</summary>
public static class FileClone
{
    /// <summary>Makes an empty file share all blocks of another.</summary>
    /// <returns>False when the file system cannot do it.</returns>
    public static bool TryShare(SafeFileHandle from, SafeFileHandle to)
    {
        var added = false;
        from.DangerousAddRef(ref added);
        try
        {
            return Libc.Control(to, Libc.CloneFile, (int)from.DangerousGetHandle()) == 0;
        }
        finally
        {
            from.DangerousRelease();
        }
    }

    /// <summary>Copies a range inside the kernel.</summary>
    /// <returns>How many bytes were copied: less than asked at the end of the source, or where the kernel will not go on.</returns>
    public static unsafe long Copy(SafeFileHandle from, SafeFileHandle to, long offset, long length)
    {
        var source = offset;
        var target = offset;
        while (source < offset + length)
        {
            if (Libc.CopyRange(from, &source, to, &target, (nuint)(offset + length - source), 0) <= 0)
            {
                break;
            }
        }

        return source - offset;
    }
}
