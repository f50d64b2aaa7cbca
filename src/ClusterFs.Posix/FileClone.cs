using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace ClusterFs.Posix;

/// <summary>Copies of files within one file system, without moving bytes where it can.</summary>
public static class FileClone
{
    private const nuint ReadFlags = 0x80086601;
    private const nuint WriteFlags = 0x40086602;
    private const int NeverCopied = 0x800000;

    /// <summary>Makes an empty file share all blocks of another.</summary>
    /// <returns>False when the file system cannot do it.</returns>
    public static bool TryShare(SafeFileHandle from, SafeFileHandle to) => Share(from, to) == 0;

    /// <summary>Lets an empty file be written over in place if another is (<c>chattr +C</c> on btrfs): the two share no blocks otherwise.</summary>
    public static unsafe void TakeKind(SafeFileHandle from, SafeFileHandle to)
    {
        var flags = 0L;
        var own = 0L;
        if (Libc.Control(from, ReadFlags, (byte*)&flags) == 0 && ((int)flags & NeverCopied) != 0 && Libc.Control(to, ReadFlags, (byte*)&own) == 0)
        {
            own |= NeverCopied;
            _ = Libc.Control(to, WriteFlags, (byte*)&own);
        }
    }

    /// <summary>Makes an empty file share all blocks of another.</summary>
    /// <returns>0, or the kernel's error.</returns>
    public static int Share(SafeFileHandle from, SafeFileHandle to)
    {
        var added = false;
        from.DangerousAddRef(ref added);
        try
        {
            return Libc.Control(to, Libc.CloneFile, (int)from.DangerousGetHandle()) == 0 ? 0 : Marshal.GetLastPInvokeError();
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
