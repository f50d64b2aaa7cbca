using Microsoft.Win32.SafeHandles;

namespace ClusterFs.Posix;

/// <summary>Sets what .NET cannot set, or not exactly. Symbolic links are not followed, save by <see cref="SetMode(string, uint)"/>.</summary>
public static class FileAttribution
{
    private const long NanosecondsPerSecond = 1_000_000_000;

    /// <summary>Sets owner and group.</summary>
    /// <exception cref="PosixException">Not permitted, as a rule: only root may give files away.</exception>
    public static void SetOwner(string path, uint user, uint group)
    {
        if (Libc.ChangeLinkOwner(path, user, group) != 0)
        {
            throw PosixException.Last("chown", path);
        }
    }

    /// <summary>Sets owner and group of an open file or directory, whatever its name leads to by now.</summary>
    /// <exception cref="PosixException">Not permitted, as a rule: only root may give files away.</exception>
    public static void SetOwner(SafeFileHandle file, uint user, uint group)
    {
        if (Libc.ChangeOwner(file, user, group) != 0)
        {
            throw PosixException.Last("chown", PlainFile.PathOf(file) ?? "an open file");
        }
    }

    /// <summary>Sets the permission bits of an open file or directory.</summary>
    public static void SetMode(SafeFileHandle file, uint mode)
    {
        if (Libc.ChangeMode(file, mode) != 0)
        {
            throw PosixException.Last("chmod", PlainFile.PathOf(file) ?? "an open file");
        }
    }

    /// <summary>Sets the permission bits. Follows links: not to be used on one.</summary>
    public static void SetMode(string path, uint mode)
    {
        if (Libc.ChangeMode(path, mode) != 0)
        {
            throw PosixException.Last("chmod", path);
        }
    }

    /// <summary>Sets the time of the last change of the content, in nanoseconds since 1970.</summary>
    public static void SetModified(string path, long nanoseconds) => SetTimes(path, null, nanoseconds);

    /// <summary>Sets the time when it was read last, in nanoseconds since 1970.</summary>
    public static void SetAccessed(string path, long nanoseconds) => SetTimes(path, nanoseconds, null);

    private static unsafe void SetTimes(string path, long? accessed, long? modified)
    {
        var times = stackalloc Libc.TimeSpec[2];
        times[0] = TimeOf(accessed);
        times[1] = TimeOf(modified);
        if (Libc.SetTimes(Libc.AtFdCwd, path, times, Libc.AtSymlinkNoFollow) != 0)
        {
            throw PosixException.Last("utimensat", path);
        }
    }

    private static Libc.TimeSpec TimeOf(long? nanoseconds)
    {
        if (nanoseconds is not { } time)
        {
            return new Libc.TimeSpec { Nanoseconds = Libc.TimeOmit };
        }

        var seconds = Math.DivRem(time, NanosecondsPerSecond, out var rest);
        return rest < 0
            ? new Libc.TimeSpec { Seconds = seconds - 1, Nanoseconds = rest + NanosecondsPerSecond }
            : new Libc.TimeSpec { Seconds = seconds, Nanoseconds = rest };
    }

    /// <summary>Asks the kernel to have a range of a file read by the time it is asked for. Advice only: does not wait.</summary>
    public static void Expect(SafeFileHandle file, long offset, long length) => _ = Libc.Advise(file, offset, length, Libc.AdviseWillNeed);

    /// <summary>Asks the kernel to forget the synced bytes of a file, so that the next read comes from the storage. Advice only.</summary>
    public static void ForgetCached(SafeFileHandle file) => _ = Libc.Advise(file, 0, 0, Libc.AdviseDontNeed);

    /// <summary>The same of a part of it; with a length of 0, to its end.</summary>
    public static void ForgetCached(SafeFileHandle file, long offset, long length) => _ = Libc.Advise(file, offset, length, Libc.AdviseDontNeed);
}
