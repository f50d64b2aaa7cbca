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

    /// <summary>Opens a directory, and nothing else: a device in its place is not touched.</summary>
    /// <exception cref="FileNotFoundException">There is no such directory.</exception>
    /// <exception cref="PosixException">Any other failure.</exception>
    public static SafeFileHandle OpenDirectory(string path) => Open(path, Libc.OpenNonBlocking | Libc.OpenDirectory);

    /// <summary>
    /// Finds whatever it is, following links, and does nothing to it: some devices act when they are opened. What is found can be looked at, and
    /// opened by <see cref="OpenFoundAtOnce"/>.
    /// </summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="PosixException">Any other failure.</exception>
    public static SafeFileHandle Find(string path) => Open(path, Libc.OpenPathOnly);

    /// <summary>Opens for reading, as <see cref="OpenReadAtOnce"/> does, the very file that was found, whatever its path leads to by now.</summary>
    /// <exception cref="FileNotFoundException">The kernel does not show open files: /proc is not mounted.</exception>
    /// <exception cref="PosixException">Any other failure.</exception>
    public static SafeFileHandle OpenFoundAtOnce(SafeFileHandle found) => OpenReadAtOnce($"/proc/self/fd/{found.DangerousGetHandle()}");

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
