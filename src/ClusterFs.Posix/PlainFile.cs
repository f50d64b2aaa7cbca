using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace ClusterFs.Posix;

/// <summary>
/// Files in directories that others may change meanwhile: the last part of a path is never followed where it leads elsewhere. Where another process has a
/// lease on a file, opening it waits until that gives it back, or the kernel takes it: 45 s as a rule. A process of our own that is being started counts as
/// another for a moment: it has all that is open here.
/// </summary>
public static class PlainFile
{
    private const int OwnerOnly = 0x180;

    /// <summary>Opens a file for reading.</summary>
    /// <exception cref="PosixException">There is none, or it is a link, or any other failure.</exception>
    public static SafeFileHandle OpenRead(string path) => Open(path, Libc.OpenReadOnly);

    /// <summary>The same, and that it is read then is not noted as its use, as far as the kernel leaves that to this user: the file's owner, or root.</summary>
    /// <exception cref="PosixException">There is none, or it is a link, or any other failure.</exception>
    public static SafeFileHandle OpenReadUnnoted(string path)
    {
        try
        {
            return Open(path, Libc.OpenReadOnly | Libc.OpenUnnoted);
        }
        catch (PosixException refused) when (refused.Error == PosixException.NotPermitted)
        {
            return OpenRead(path);
        }
    }

    /// <summary>Opens a file for reading, and waits for nobody who has a lease on it.</summary>
    /// <exception cref="PosixException">There is none, or it is a link, or somebody has a lease on it, or any other failure.</exception>
    public static SafeFileHandle OpenReadAtOnce(string path) =>
        TryOpenAtOnce(path, Libc.OpenReadOnly) ?? throw PosixException.Last("open", path);

    /// <summary>Opens a file for reading and writing; makes it, for its owner alone, where there is none.</summary>
    /// <exception cref="PosixException">It is a link, or any other failure.</exception>
    public static SafeFileHandle OpenOrCreate(string path) => Open(path, Libc.OpenReadWrite | Libc.OpenCreate);

    /// <summary>Where an open file is, by the kernel, without any link on the way.</summary>
    public static string? PathOf(SafeFileHandle file) => new FileInfo($"/proc/self/fd/{file.DangerousGetHandle()}").LinkTarget;

    /// <summary>
    /// Whether any process has the file open for writing, whichever user and container it is of: only the kernel knows. Of local file systems only.
    /// </summary>
    /// <param name="file">Open for reading.</param>
    /// <returns>Null where the kernel does not say: it is another user's file and this is not root, or the file system has no leases.</returns>
    public static bool? HasWriters(SafeFileHandle file)
    {
        // Should one open it in this very moment, its lease is broken by a signal that nobody minds, not by one that kills.
        _ = Libc.FileControl(file, Libc.SetLeaseSignal, Libc.SignalUrgent);
        if (Libc.FileControl(file, Libc.SetLease, Libc.LeaseRead) == 0)
        {
            _ = Libc.FileControl(file, Libc.SetLease, Libc.LeaseNone);
            return false;
        }

        return Marshal.GetLastPInvokeError() == PosixException.Again ? true : null;
    }

    /// <summary>
    /// Opens a file for reading and writing that no other process has open, be it only for reading or through memory. Until it is closed, whoever
    /// opens it, this process too, waits; for 45 s as a rule, then <see cref="IsAlone"/> is false. Of local file systems only.
    /// </summary>
    /// <returns>Null where somebody has it, where the kernel does not say, or where this process may not write it.</returns>
    public static SafeFileHandle? TryOpenAlone(string path)
    {
        // Null for a program that is being run, too, and for a lease of another: whoever wants to know why opens it in another way.
        if (TryOpenAtOnce(path, Libc.OpenReadWrite) is not { } file)
        {
            return null;
        }

        _ = Libc.FileControl(file, Libc.SetLeaseSignal, Libc.SignalUrgent);
        if (Libc.FileControl(file, Libc.SetLease, Libc.LeaseWrite) == 0)
        {
            return file;
        }

        file.Dispose();
        return null;
    }

    /// <summary>Whether a file from <see cref="TryOpenAlone"/> still is open nowhere else.</summary>
    public static bool IsAlone(SafeFileHandle file) => Libc.FileControl(file, Libc.ReadLease, 0) == Libc.LeaseWrite;

    /// <summary>Sets the permission bits of what is known to be of a kind, whatever has taken its place meanwhile. Needs /proc.</summary>
    /// <param name="kind">A file or a directory.</param>
    /// <returns>False where nothing is there, or something of another kind: nothing has changed then.</returns>
    /// <exception cref="PosixException">Any other failure.</exception>
    public static bool TrySetMode(string path, FileKind kind, uint mode)
    {
        // Neither its own mode nor a lease on it stands in the way of a descriptor that only names it.
        var descriptor = Libc.Open(path, Libc.OpenPathOnly | Libc.OpenNoFollow | Libc.OpenCloseOnExec, 0);
        if (descriptor < 0)
        {
            return Marshal.GetLastPInvokeError() is PosixException.NoEntry or PosixException.NotDirectory or PosixException.Loop
                ? false
                : throw PosixException.Last("open", path);
        }

        using var named = new SafeFileHandle(descriptor, ownsHandle: true);
        if (FileStatus.Read(named).Kind != kind)
        {
            return false;
        }

        return Libc.ChangeMode($"/proc/self/fd/{descriptor}", mode) == 0 ? true : throw PosixException.Last("chmod", path);
    }

    private static SafeFileHandle Open(string path, int flags)
    {
        if (TryOpenAtOnce(path, flags) is { } file)
        {
            return file;
        }

        return Marshal.GetLastPInvokeError() == PosixException.Again ? OpenLeased(path, flags) : throw PosixException.Last("open", path);
    }

    /// <summary>Opens no more than a file: nothing else is worth waiting for.</summary>
    private static SafeFileHandle OpenLeased(string path, int flags)
    {
        var found = Libc.Open(path, Libc.OpenPathOnly | Libc.OpenNoFollow | Libc.OpenCloseOnExec, 0);
        if (found < 0)
        {
            throw PosixException.Last("open", path);
        }

        using var named = new SafeFileHandle(found, ownsHandle: true);
        if (FileStatus.Read(named).Kind != FileKind.File)
        {
            throw new PosixException("open", path, PosixException.Again);
        }

        var descriptor = Libc.Open($"/proc/self/fd/{found}", (flags & ~Libc.OpenCreate) | Libc.OpenCloseOnExec, 0);
        return descriptor >= 0 ? new SafeFileHandle(descriptor, ownsHandle: true) : throw PosixException.Last("open", path);
    }

    /// <returns>Null where that fails; the kernel's error is the last one.</returns>
    private static SafeFileHandle? TryOpenAtOnce(string path, int flags)
    {
        // A pipe is opened at once, whether or not anybody writes to it.
        var descriptor = Libc.Open(path, flags | Libc.OpenNonBlocking | Libc.OpenNoFollow | Libc.OpenCloseOnExec, OwnerOnly);
        return descriptor >= 0 ? new SafeFileHandle(descriptor, ownsHandle: true) : null;
    }
}
