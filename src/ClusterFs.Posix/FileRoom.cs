using Microsoft.Win32.SafeHandles;

namespace ClusterFs.Posix;

/// <summary>Whether a file can be written over where it lies, without a disk that is full getting in the way.</summary>
public static class FileRoom
{
    private const long ExtMagic = 0xEF53;
    private const long XfsMagic = 0x58465342;
    private const int BlockSize = 512;

    /// <summary>
    /// Makes sure that a file can be written over, and grow to a size, in blocks that are its own already. What it holds and its size stay; where it is to
    /// grow, its times do not. Only for files that share their blocks with no other.
    /// </summary>
    /// <param name="size">In bytes; may be less than the file has.</param>
    /// <returns>False where that cannot be promised: on file systems that write elsewhere or are not known, for a file with holes, on a full disk.</returns>
    /// <exception cref="PosixException">The file cannot be asked.</exception>
    public static unsafe bool TryReserve(SafeFileHandle file, long size)
    {
        var system = stackalloc byte[256];
        if (Libc.ReadFileSystem(file, system) != 0 || *(long*)system is not (ExtMagic or XfsMagic))
        {
            return false;
        }

        if (Libc.ReadStatus(file, string.Empty, Libc.AtEmptyPath, Libc.StatusBasic, out var status) != 0)
        {
            throw PosixException.Last("stat", "an open file");
        }

        var has = checked((long)status.Size);
        return (long)status.Blocks * BlockSize >= Math.Min(has, size)
            && (size <= has || Libc.Allocate(file, Libc.AllocateKeepSize, has, size - has) == 0);
    }
}
