using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace ClusterFs.Posix;

public enum FileKind
{
    File,
    Directory,
    SymbolicLink,

    /// <summary>A socket, a pipe or a device.</summary>
    Special,
}

/// <summary>What the kernel knows of a file: the facts .NET rounds or leaves out.</summary>
/// <param name="Mode">Permission bits with set-user-id, set-group-id and sticky: at most 07777.</param>
/// <param name="ModifiedNs">When the content changed, in nanoseconds since 1970.</param>
/// <param name="ChangedNs">When content or attributes changed; nobody can set it. Nanoseconds since 1970.</param>
public readonly record struct FileStatus(
    FileKind Kind, uint Mode, uint User, uint Group, long Size, long ModifiedNs, long ChangedNs, ulong Inode, ulong Device, uint Links)
{
    private const ulong Immutable = 0x10;
    private const ulong AppendOnly = 0x20;
    private const int KindMask = 0xF000;
    private const int DirectoryKind = 0x4000;
    private const int RegularKind = 0x8000;
    private const int LinkKind = 0xA000;
    private const long NanosecondsPerSecond = 1_000_000_000;

    /// <summary>Whether not even root may rename or overwrite it, until somebody takes that back (<c>chattr -i</c>, <c>-a</c>).</summary>
    public bool IsFixed { get; init; }

    /// <summary>Reads the status of a path; a symbolic link is not followed.</summary>
    /// <returns>Null when there is no such file: also where a link on the way leads back to itself.</returns>
    /// <exception cref="PosixException">Any other failure.</exception>
    public static FileStatus? TryRead(string path)
    {
        if (Libc.ReadStatus(Libc.AtFdCwd, path, Libc.AtSymlinkNoFollow, Libc.StatusBasic, out var status) == 0)
        {
            return From(status);
        }

        var error = Marshal.GetLastPInvokeError();
        return error is PosixException.NoEntry or PosixException.NotDirectory or PosixException.Loop ? null : throw new PosixException("stat", path, error);
    }

    /// <summary>Reads the status of what has a name in a directory that is held open; a symbolic link is not followed.</summary>
    /// <param name="anew">Whether a network file system is to ask its server, instead of what it remembers for up to a minute.</param>
    /// <returns>Null when there is no such file.</returns>
    /// <exception cref="PosixException">Any other failure.</exception>
    public static FileStatus? TryRead(OpenDirectory directory, string name, bool anew) => TryReadRaw(directory, name, anew) is { } status ? From(status) : null;

    /// <summary>
    /// The same, and when it was read last, or a link followed, in nanoseconds since 1970. As a rule (<c>relatime</c>) that is noted when it is the first time
    /// since a change, or since a day; with <c>noatime</c>, never.
    /// </summary>
    public static (FileStatus Status, long AccessedNs)? TryReadWithUse(OpenDirectory directory, string name) =>
        TryReadRaw(directory, name, anew: false) is { } status ? (From(status), Nanoseconds(status.Accessed)) : null;

    private static Libc.Status? TryReadRaw(OpenDirectory directory, string name, bool anew)
    {
        if (Libc.ReadStatus(directory.Handle, name, Libc.AtSymlinkNoFollow | (anew ? Libc.AtStatusForceSync : 0), Libc.StatusBasic, out var status) == 0)
        {
            return status;
        }

        var error = Marshal.GetLastPInvokeError();
        return error is PosixException.NoEntry or PosixException.NotDirectory ? null : throw new PosixException("stat", directory.Readable(directory[name]), error);
    }

    /// <summary>Reads the status of an open file.</summary>
    /// <exception cref="PosixException">The kernel refuses.</exception>
    public static FileStatus Read(SafeFileHandle file) =>
        Libc.ReadStatus(file, string.Empty, Libc.AtEmptyPath, Libc.StatusBasic, out var status) == 0
            ? From(status)
            : throw PosixException.Last("stat", "an open file");

    private static FileStatus From(Libc.Status status) => new(
        (status.Mode & KindMask) switch
        {
            RegularKind => FileKind.File,
            DirectoryKind => FileKind.Directory,
            LinkKind => FileKind.SymbolicLink,
            _ => FileKind.Special,
        },
        status.Mode & 0xFFFu,
        status.User,
        status.Group,
        checked((long)status.Size),
        Nanoseconds(status.Modified),
        Nanoseconds(status.Changed),
        status.Inode,
        ((ulong)status.DeviceMajor << 32) | status.DeviceMinor,
        status.Links)
    {
        IsFixed = (status.Attributes & (Immutable | AppendOnly)) != 0,
    };

    private static long Nanoseconds(Libc.StatusTime time) => (time.Seconds * NanosecondsPerSecond) + time.Nanoseconds;
}
