using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace ClusterFs.Posix;

/// <summary>
/// Opens files of other programs. .NET locks whatever it opens: it could not open what a program has locked, and for as long as it reads, that
/// program could not lock it.
/// </summary>
public static class UnlockedFile
{
    /// <summary>Opens a file for reading.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="PosixException">Any other failure.</exception>
    public static SafeFileHandle OpenRead(string path) => Open(path, 0);

    /// <summary>
    /// Opens whatever it is for reading, a directory too, and waits for nobody: neither for a writer of a pipe, nor for who has a lease on a file.
    /// </summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="PosixException">Any other failure.</exception>
    public static SafeFileHandle OpenReadAtOnce(string path) => Open(path, Libc.OpenNonBlocking);

    /// <summary>Where an open file really is, by the kernel: no link on the way is left in it.</summary>
    /// <exception cref="IOException">The kernel does not say.</exception>
    public static string RealPath(SafeFileHandle file) => new FileInfo($"/proc/self/fd/{file.DangerousGetHandle()}").LinkTarget
        ?? throw new IOException("the kernel does not say where an open file is: is /proc mounted?");

    private static SafeFileHandle Open(string path, int flags)
    {
        var descriptor = Libc.Open(path, Libc.OpenReadOnly | Libc.OpenCloseOnExec | flags, 0);
        if (descriptor >= 0)
        {
            return new SafeFileHandle(descriptor, ownsHandle: true);
        }

        var error = Marshal.GetLastPInvokeError();
        throw error is PosixException.NoEntry or PosixException.NotDirectory
            ? new FileNotFoundException($"There is no file {path}.", path)
            : new PosixException("open", path, error);
    }
}
