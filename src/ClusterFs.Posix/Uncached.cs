using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace ClusterFs.Posix;

/// <summary>
/// Reads and writes a file past the kernel's cache, where the file system can: what is large would only displace what others have there, and what is
/// written has to reach the disk anyway.
/// </summary>
public static class Uncached
{
    /// <summary>Offset, length and place in memory of what is moved are multiples of it, in bytes.</summary>
    public const int Alignment = 4096;

    private static readonly int Flag = RuntimeInformation.ProcessArchitecture is Architecture.Arm64 or Architecture.Arm ? 0x10000 : 0x4000;

    /// <returns>False when the file system cannot do it; then nothing has changed.</returns>
    public static bool TryBegin(SafeFileHandle file) =>
        Libc.FileControl(file, Libc.ReadFlags, 0) is >= 0 and var flags && Libc.FileControl(file, Libc.SetFlags, flags | Flag) == 0;

    /// <summary>From here on anything may be moved, through the cache.</summary>
    public static void End(SafeFileHandle file)
    {
        if (Libc.FileControl(file, Libc.ReadFlags, 0) is >= 0 and var flags)
        {
            _ = Libc.FileControl(file, Libc.SetFlags, flags & ~Flag);
        }
    }

    /// <summary>Memory at an aligned place, which stays there.</summary>
    /// <param name="length">In bytes.</param>
    public static Memory<byte> Allocate(int length)
    {
        var pinned = GC.AllocateUninitializedArray<byte>(length + Alignment, pinned: true);
        var start = (int)(-(nint)Marshal.UnsafeAddrOfPinnedArrayElement(pinned, 0) & (Alignment - 1));
        return pinned.AsMemory(start, length);
    }

    /// <returns>How much memory a range of this length takes, however it lies in its file, in bytes.</returns>
    public static int RoomFor(int length) => (length + (2 * Alignment) - 2) / Alignment * Alignment;

    /// <summary>Reads any range.</summary>
    /// <param name="room">At an aligned place, of <see cref="RoomFor"/> the length.</param>
    /// <returns>The bytes, in there; less than asked at the end of the file.</returns>
    /// <exception cref="IOException">The storage reports an error, or demands another alignment.</exception>
    public static ReadOnlySpan<byte> Read(SafeFileHandle file, long offset, int length, Span<byte> room)
    {
        var before = (int)(offset % Alignment);
        var target = room[..((before + length + Alignment - 1) / Alignment * Alignment)];
        var done = Read(file, offset - before, target);
        return target[Math.Min(before, done)..Math.Min(before + length, done)];
    }

    /// <summary>Reads an aligned range, to an aligned place.</summary>
    /// <returns>Bytes read: fewer than asked at the end of the file, and where the storage stops at what is not aligned, as some does when it fails.</returns>
    /// <exception cref="IOException">The storage reports an error, or demands another alignment.</exception>
    public static int Read(SafeFileHandle file, long offset, Span<byte> target)
    {
        var done = 0;
        while (done < target.Length)
        {
            var read = RandomAccess.Read(file, target[done..], offset + done);
            done += read;
            if (read % Alignment != 0 || read == 0)
            {
                break;
            }
        }

        return done;
    }
}
