using System.Runtime.InteropServices;

namespace ClusterFs.Posix;

/// <summary>When files were read, and links followed, as far as their file system notes it. Links are not followed.</summary>
public static class AccessTime
{
    private const long NanosecondsPerSecond = 1_000_000_000;

    /// <summary>Nanoseconds since 1970.</summary>
    /// <returns>Null when there is no such file.</returns>
    /// <exception cref="PosixException">Any other failure.</exception>
    public static long? TryRead(string path)
    {
        if (Libc.ReadStatus(Libc.AtFdCwd, path, Libc.AtSymlinkNoFollow, Libc.StatusBasic, out var status) == 0)
        {
            return (status.Accessed.Seconds * NanosecondsPerSecond) + status.Accessed.Nanoseconds;
        }

        var error = Marshal.GetLastPInvokeError();
        return error is PosixException.NoEntry or PosixException.NotDirectory ? null : throw new PosixException("stat", path, error);
    }

    /// <summary>Puts it back to the beginning, 1970: the next access is noted then, also where not every one is (relatime).</summary>
    /// <exception cref="PosixException">It cannot be set.</exception>
    public static unsafe void Reset(string path)
    {
        var times = stackalloc Libc.TimeSpec[2];
        times[0] = default;
        times[1].Nanoseconds = Libc.TimeOmit;
        if (Libc.SetTimes(Libc.AtFdCwd, path, times, Libc.AtSymlinkNoFollow) != 0)
        {
            throw PosixException.Last("utimensat", path);
        }
    }
}
