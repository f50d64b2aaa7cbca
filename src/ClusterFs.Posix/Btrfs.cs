using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace ClusterFs.Posix;

/// <summary>Subvolumes and snapshots of btrfs. Safe to use from any thread.</summary>
public static class Btrfs
{
    private const long Magic = 0x9123683E;
    private const ulong RootInode = 256;
    private const nuint CreateSubvolumeRequest = 0x5000940E;
    private const nuint DestroyRequest = 0x5000940F;
    private const nuint CreateSnapshotRequest = 0x50009417;
    private const nuint ReadSubvolumesRequest = 0xD000943D;
    private const nuint LookUpRequest = 0xD000943E;
    private const ulong ReadOnly = 2;
    private const int ArgumentSize = 4096;
    private const int FileSystemSize = 256;
    private const int NameAt = 8;
    private const int FlagsOfSnapshotAt = 16;
    private const int NameOfSnapshotAt = 56;
    private const int ReferencesAt = 8;
    private const int ReferenceSize = 16;
    private const int MostReferences = 255;
    private const int CountAt = ReferencesAt + (MostReferences * ReferenceSize);
    private const int TooMany = 75;
    private const int LookedUpNameAt = 16;
    private const int LookedUpPathAt = LookedUpNameAt + 256;

    /// <summary>Whether a path lies on btrfs.</summary>
    /// <exception cref="PosixException">There is no such path, or the kernel refuses.</exception>
    public static unsafe bool IsOn(string path)
    {
        var status = stackalloc byte[FileSystemSize];
        return Libc.ReadFileSystem(path, status) == 0 ? *(long*)status == Magic : throw PosixException.Last("statfs", path);
    }

    /// <summary>Whether a path names a subvolume, a snapshot included.</summary>
    public static bool IsSubvolume(string path) =>
        FileStatus.TryRead(path) is { Kind: FileKind.Directory, Inode: RootInode } && IsOn(path);

    /// <summary>The subvolume that a directory lies in.</summary>
    /// <param name="directory">Without symbolic links on the way.</param>
    /// <returns>Null when its root cannot be seen here, because only a directory of it is mounted.</returns>
    public static string? SubvolumeOf(string directory)
    {
        var device = FileStatus.TryRead(directory)?.Device;
        for (var path = directory; path is not null; path = Path.GetDirectoryName(path))
        {
            if (FileStatus.TryRead(path) is not { } status || status.Device != device)
            {
                return null;
            }

            if (status.Inode == RootInode)
            {
                return path;
            }
        }

        return null;
    }

    /// <summary>Makes an empty subvolume. Anybody who may make a directory may.</summary>
    /// <exception cref="PosixException">The kernel refuses.</exception>
    public static void CreateSubvolume(string path)
    {
        Span<byte> argument = new byte[ArgumentSize];
        WriteName(argument[NameAt..], path);
        _ = Control(Path.GetDirectoryName(path)!, CreateSubvolumeRequest, argument, "create subvolume", path);
    }

    /// <summary>Makes a read-only snapshot of a subvolume, on the same file system: all that was written before is in it.</summary>
    /// <param name="path">A name that is free.</param>
    /// <exception cref="PosixException">The kernel refuses; EPERM unless this user owns the root of the subvolume or is root.</exception>
    public static void CreateSnapshot(string subvolume, string path)
    {
        var source = OpenDirectory(subvolume);
        try
        {
            Span<byte> argument = new byte[ArgumentSize];
            BinaryPrimitives.WriteInt64LittleEndian(argument, source);
            BinaryPrimitives.WriteUInt64LittleEndian(argument[FlagsOfSnapshotAt..], ReadOnly);
            WriteName(argument[NameOfSnapshotAt..], path);
            _ = Control(Path.GetDirectoryName(path)!, CreateSnapshotRequest, argument, "snapshot", subvolume);
        }
        finally
        {
            _ = Libc.Close(source);
        }
    }

    /// <summary>Deletes a subvolume or snapshot with all that is in it.</summary>
    /// <exception cref="PosixException">The kernel refuses; EPERM without CAP_SYS_ADMIN, unless it is mounted with user_subvol_rm_allowed.</exception>
    public static void Delete(string path)
    {
        Span<byte> argument = new byte[ArgumentSize];
        WriteName(argument[NameAt..], path);
        _ = Control(Path.GetDirectoryName(path)!, DestroyRequest, argument, "delete subvolume", path);
    }

    /// <summary>The subvolumes inside a directory, as paths below it: a snapshot shows them as empty directories. Since Linux 4.18.</summary>
    /// <exception cref="PosixException">The kernel refuses.</exception>
    public static IReadOnlyList<string> SubvolumesIn(string directory)
    {
        var found = new List<string>();
        Span<byte> list = new byte[ArgumentSize];
        bool more;
        do
        {
            more = Control(directory, ReadSubvolumesRequest, list, "list subvolumes", directory, TooMany) != 0;
            for (var i = 0; i < list[CountAt]; i++)
            {
                var reference = list.Slice(ReferencesAt + (i * ReferenceSize), ReferenceSize);
                if (PathOf(directory, reference) is { } path)
                {
                    found.Add(path);
                }
            }
        }
        while (more);
        return found;
    }

    /// <returns>Null when it lies elsewhere in the same subvolume.</returns>
    private static string? PathOf(string directory, ReadOnlySpan<byte> reference)
    {
        Span<byte> argument = new byte[ArgumentSize];
        reference[sizeof(ulong)..].CopyTo(argument);
        reference[..sizeof(ulong)].CopyTo(argument[sizeof(ulong)..]);
        return Control(directory, LookUpRequest, argument, "look up subvolume", directory, PosixException.AccessDenied, PosixException.NoEntry) == 0
            ? Text(argument[LookedUpPathAt..]) + Text(argument[LookedUpNameAt..])
            : null;
    }

    private static string Text(ReadOnlySpan<byte> bytes) => Encoding.UTF8.GetString(bytes[..bytes.IndexOf((byte)0)]);

    private static void WriteName(Span<byte> target, string path)
    {
        var name = Encoding.UTF8.GetBytes(Path.GetFileName(path));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(name.Length, 255, nameof(path));
        name.CopyTo(target);
    }

    /// <returns>0, or one of the errors that are no exceptions.</returns>
    private static unsafe int Control(string directory, nuint request, Span<byte> argument, string call, string subject, params ReadOnlySpan<int> accepted)
    {
        var descriptor = OpenDirectory(directory);
        try
        {
            fixed (byte* bytes = argument)
            {
                if (Libc.Control(descriptor, request, bytes) >= 0)
                {
                    return 0;
                }
            }

            var error = Marshal.GetLastPInvokeError();
            return accepted.Contains(error) ? error : throw new PosixException(call, subject, error);
        }
        finally
        {
            _ = Libc.Close(descriptor);
        }
    }

    private static int OpenDirectory(string path)
    {
        var descriptor = Libc.Open(path, Libc.OpenReadOnly | Libc.OpenDirectory | Libc.OpenCloseOnExec, 0);
        return descriptor >= 0 ? descriptor : throw PosixException.Last("open", path);
    }
}
