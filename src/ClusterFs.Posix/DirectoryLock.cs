using System.Runtime.InteropServices;

namespace ClusterFs.Posix;

/// <summary>
/// An exclusive lock on a directory of this machine. The kernel frees it when the process ends, however it ends.
/// </summary>
public sealed class DirectoryLock : IDisposable
{
    private int _descriptor;

    private DirectoryLock(int descriptor) => _descriptor = descriptor;

    /// <summary>Takes the lock without waiting.</summary>
    /// <returns>Null when another process holds it.</returns>
    public static DirectoryLock? TryTake(string directory)
    {
        var path = Path.Combine(directory, "lock");
        var descriptor = Libc.Open(path, Libc.OpenReadWriteCreate | Libc.OpenCloseOnExec, Convert.ToInt32("600", 8));
        if (descriptor < 0)
        {
            throw PosixException.Last("open", path);
        }

        if (Libc.FileLock(descriptor, Libc.LockExclusive | Libc.LockNonBlocking) == 0)
        {
            return new DirectoryLock(descriptor);
        }

        const int wouldBlock = 11;
        var error = Marshal.GetLastPInvokeError();
        _ = Libc.Close(descriptor);
        return error == wouldBlock ? null : throw new PosixException("flock", path, error);
    }

    public void Dispose()
    {
        var descriptor = Interlocked.Exchange(ref _descriptor, -1);
        if (descriptor >= 0)
        {
            // A child that is being started has a copy of the descriptor for a moment, and a copy would keep the lock.
            _ = Libc.FileLock(descriptor, Libc.LockRelease);
            _ = Libc.Close(descriptor);
        }
    }
}
