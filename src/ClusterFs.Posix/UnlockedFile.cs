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
    public static SafeFileHandle OpenRead(string path)
    {
        var descriptor = Libc.Open(path, Libc.OpenReadOnly | Libc.OpenCloseOnExec, 0);
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
