using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace ClusterFs.Posix;

/// <summary>File system operations whose outcome survives a power cut, and those that decide a race between machines.</summary>
public static class Durable
{
    private const uint PrivateMode = 0x1C0;

    /// <summary>Makes the entries of a directory durable: creations, links and renames inside it.</summary>
    /// <exception cref="PosixException">The directory cannot be opened or the storage reports an error.</exception>
    public static void SyncDirectory(string directory) => Sync(directory, "fsync", Libc.FileSync);

    /// <summary>Makes everything durable that was written so far to the file system of a directory, by whichever process.</summary>
    /// <exception cref="PosixException">The directory cannot be opened or the storage reports an error.</exception>
    public static void SyncFileSystem(string directory) => Sync(directory, "syncfs", Libc.FileSystemSync);

    /// <summary>
    /// Asks the kernel to begin writing a range of a file to the disk, so that the sync which has to follow waits for less. Advice only: neither
    /// waits nor tells of errors, which that sync does.
    /// </summary>
    public static void BeginSync(SafeFileHandle file, long offset, long length) =>
        _ = Libc.SyncRange(file, offset, length, Libc.SyncRangeBegin);

    /// <summary>Creates a directory and every missing parent, and makes the new entries durable.</summary>
    public static void CreateDirectory(string directory)
    {
        var full = Path.GetFullPath(directory);
        if (Directory.Exists(full))
        {
            return;
        }

        var parent = Path.GetDirectoryName(full);
        if (parent is not null)
        {
            CreateDirectory(parent);
        }

        Directory.CreateDirectory(full);
        if (parent is not null)
        {
            SyncDirectory(parent);
        }
    }

    /// <summary>Gives a complete file a second name, if that name is free.</summary>
    /// <returns>False when the name is taken. On network file systems a retried success also reports "taken": compare contents.</returns>
    /// <exception cref="PosixException">Any other failure.</exception>
    public static bool TryLink(string existing, string created)
    {
        if (Libc.Link(existing, created) == 0)
        {
            return true;
        }

        var error = Marshal.GetLastPInvokeError();
        return error == PosixException.Exists ? false : throw new PosixException("link", created, error);
    }

    /// <summary>Makes a directory, if its name is free. Who may make one is decided where the storage is, not by what this machine remembers.</summary>
    /// <returns>False when the name is taken.</returns>
    /// <exception cref="PosixException">Any other failure.</exception>
    public static bool TryMakeDirectory(string directory)
    {
        if (Libc.MakeDirectory(directory, PrivateMode) == 0)
        {
            return true;
        }

        var error = Marshal.GetLastPInvokeError();
        return error == PosixException.Exists ? false : throw new PosixException("mkdir", directory, error);
    }

    /// <summary>Removes an empty directory.</summary>
    /// <returns>False when there is none of this name, or it is not empty, or no directory.</returns>
    /// <exception cref="PosixException">Any other failure.</exception>
    public static bool TryRemoveDirectory(string directory)
    {
        if (Libc.RemoveDirectory(directory) == 0)
        {
            return true;
        }

        var error = Marshal.GetLastPInvokeError();
        return error is PosixException.NoEntry or PosixException.NotDirectory or PosixException.NotEmpty or PosixException.Exists
            ? false
            : throw new PosixException("rmdir", directory, error);
    }

    /// <summary>Exchanges two paths of one file system atomically.</summary>
    /// <returns>False when the file system cannot do it.</returns>
    public static bool TryExchange(string one, string other)
    {
        if (Libc.RenameAt2(Libc.AtFdCwd, one, Libc.AtFdCwd, other, Libc.RenameExchange) == 0)
        {
            return true;
        }

        var error = Marshal.GetLastPInvokeError();
        return error is PosixException.Invalid or PosixException.NotSupported ? false : throw new PosixException("rename", one, error);
    }

    /// <summary>Renames whatever has a name, and replaces a file or link that has the other one. Links are not followed; to be synced by the caller.</summary>
    /// <exception cref="PosixException">It failed, and nothing was changed.</exception>
    public static void Rename(string from, string to)
    {
        if (Libc.RenameAt2(Libc.AtFdCwd, from, Libc.AtFdCwd, to, 0) != 0)
        {
            throw PosixException.Last("rename", from);
        }
    }

    /// <summary>
    /// Renames whatever has a name, if the other one is free. Where the file system cannot do both in one step (NFS), another program must not take that
    /// name meanwhile.
    /// </summary>
    /// <returns>False when it is taken.</returns>
    /// <exception cref="PosixException">Any other failure.</exception>
    public static bool TryRenameToFree(string from, string to) => TryRenameToFree(from, to, Libc.RenameNoReplace);

    /// <param name="flags">Those that a kernel does not know are refused as network file systems refuse all.</param>
    internal static bool TryRenameToFree(string from, string to, uint flags)
    {
        if (Libc.RenameAt2(Libc.AtFdCwd, from, Libc.AtFdCwd, to, flags) == 0)
        {
            return true;
        }

        var error = Marshal.GetLastPInvokeError();
        if (error is PosixException.Invalid or PosixException.NotSupported or PosixException.NotImplemented)
        {
            if (FileStatus.TryRead(to) is not null)
            {
                return false;
            }

            if (Libc.RenameAt2(Libc.AtFdCwd, from, Libc.AtFdCwd, to, 0) == 0)
            {
                return true;
            }

            // What the look was answered may be from a cache: another machine has made a directory there.
            error = Marshal.GetLastPInvokeError();
        }

        return error is PosixException.Exists or PosixException.NotEmpty ? false : throw new PosixException("rename", from, error);
    }

    /// <summary>Replaces a file's content so that a power cut leaves the old or the new content whole.</summary>
    public static void Replace(string path, ReadOnlySpan<byte> content)
    {
        var directory = Path.GetDirectoryName(Path.GetFullPath(path))!;
        var temporary = Path.Combine(directory, $".{Path.GetFileName(path)}.{Guid.NewGuid():N}");
        try
        {
            using (var stream = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write))
            {
                stream.Write(content);
                stream.Flush(flushToDisk: true);
            }

            File.Move(temporary, path, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }

        SyncDirectory(directory);
    }

    /// <returns>A descriptor of a directory.</returns>
    internal static int Open(string directory)
    {
        var descriptor = Libc.Open(directory, Libc.OpenReadOnly | Libc.OpenDirectory | Libc.OpenCloseOnExec, 0);
        return descriptor >= 0 ? descriptor : throw PosixException.Last("open", directory);
    }

    private static void Sync(string directory, string call, Func<int, int> sync)
    {
        var descriptor = Open(directory);
        try
        {
            if (sync(descriptor) != 0)
            {
                throw PosixException.Last(call, directory);
            }
        }
        finally
        {
            _ = Libc.Close(descriptor);
        }
    }
}
