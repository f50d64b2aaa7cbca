using System.Runtime.InteropServices;
using ClusterFs.Posix;
using CsCheck;
using Microsoft.Win32.SafeHandles;

namespace ClusterFs.Archive.Tests;

/// <summary>What a history does to a tree in one step. Whatever makes no sense there and then does nothing.</summary>
internal enum TreeChangeKind
{
    Write,
    Append,

    /// <summary>Other bytes with the old time, as a program does that puts the time back.</summary>
    WriteUnderTheOldTime,
    Zeros,
    Hole,

    /// <summary>Room for bytes that are not written yet.</summary>
    Allocation,

    /// <summary>Blocks of another place of the file, or of another file, shared; where the file system can.</summary>
    SharedBlocks,
    Resize,
    Rename,
    Delete,
    HardLink,
    SymbolicLink,
    Directory,
    Mode,
    Owner,
    Modified,
    Attribute,
    AttributeRemoved,
}

/// <param name="From">Which of <see cref="Paths"/> is changed.</param>
/// <param name="To">A second path, where there is one.</param>
/// <param name="Seed">Of the bytes, and of all other values.</param>
internal sealed partial record TreeChange(TreeChangeKind Kind, int From, int To, int Offset, int Length, int Seed)
{
    /// <summary>Few, so that changes meet: files and directories take each other's places.</summary>
    private static readonly string[] Paths = ["a", "a-b", "b", "b/a", "b/c", "b/c/a", "b/c/d", "c", "c/a", "large", "large2"];

    private static readonly Gen<int> Offsets = Gen.Frequency((3, Gen.Int[0, 20_000]), (2, Gen.Int[0, 9 << 20]));

    public static readonly Gen<TreeChange[]> Some = Gen.Select(
        Gen.Enum<TreeChangeKind>(),
        Gen.Int[0, Paths.Length - 1],
        Gen.Int[0, Paths.Length - 1],
        Offsets,
        Gen.Frequency((3, Gen.Int[1, 9000]), (1, Gen.Int[1, 1_500_000])),
        Gen.Int[0, 1000],
        (kind, from, to, offset, length, seed) => new TreeChange(kind, from, to, offset, length, seed)).Array[1, 12];

    /// <summary>Does it to the tree in a directory.</summary>
    public void Apply(string root)
    {
        Directory.CreateDirectory(root);
        var path = Path.Combine(root, Paths[From]);
        var other = Path.Combine(root, Paths[To]);
        var status = FileStatus.TryRead(path);
        var attributed = Offset % 5 == 0 ? root : path;
        switch (Kind)
        {
            case TreeChangeKind.Write:
                Change(path, file => RandomAccess.Write(file, Bytes(), Offset));
                break;
            case TreeChangeKind.Append:
                Change(path, file => RandomAccess.Write(file, Bytes(), RandomAccess.GetLength(file)));
                break;
            case TreeChangeKind.WriteUnderTheOldTime when status is { Kind: FileKind.File, Size: > 0 } before:
                Change(path, file => RandomAccess.Write(file, Bytes().AsSpan(0, (int)Math.Min(Length, before.Size)), 0));
                FileAttribution.SetModified(path, before.ModifiedNs);
                break;
            case TreeChangeKind.Zeros:
                Change(path, file => RandomAccess.Write(file, new byte[Length], Math.Min(Offset, RandomAccess.GetLength(file))));
                break;
            case TreeChangeKind.Hole:
                Change(path, file => PunchHole(file, Offset, Length));
                break;
            case TreeChangeKind.Allocation:
                Change(path, file => Assert.Equal(0, Allocate(file, 0, Offset, Length)));
                break;
            case TreeChangeKind.SharedBlocks when FileStatus.TryRead(other) is { Kind: FileKind.File }:
                Change(path, file => ShareBlocks(other, file));
                break;
            case TreeChangeKind.Resize:
                Change(path, file => RandomAccess.SetLength(file, Offset));
                break;
            case TreeChangeKind.Rename when status is not null && IsFree(other) && !other.StartsWith(path, StringComparison.Ordinal):
                Directory.Move(path, other);
                break;
            case TreeChangeKind.Delete when status is { Kind: FileKind.Directory }:
                Directory.Delete(path, recursive: true);
                break;
            case TreeChangeKind.Delete when status is not null:
                File.Delete(path);
                break;
            case TreeChangeKind.HardLink when status is { Kind: FileKind.File } && IsFree(other):
                Assert.True(Durable.TryLink(path, other));
                break;
            case TreeChangeKind.SymbolicLink when IsFree(path):
                File.CreateSymbolicLink(path, $"../{Paths[To]}");
                break;
            case TreeChangeKind.Directory when IsFree(path):
                Directory.CreateDirectory(path);
                break;
            case TreeChangeKind.Mode when IsFileOrDirectory(attributed):
                FileAttribution.SetMode(attributed, 0x1C0u | (uint)((Seed * 5) & 0xFFF));
                break;
            case TreeChangeKind.Owner when FileStatus.TryRead(attributed) is not null && Processes.IsRoot:
                FileAttribution.SetOwner(attributed, (uint)Seed, (uint)Length);
                break;
            case TreeChangeKind.Modified when status is not null:
                FileAttribution.SetModified(path, (Seed * 1_000_000_000L) + Offset);
                break;
            case TreeChangeKind.Attribute when IsFileOrDirectory(attributed):
                var others = ExtendedAttributes.Read(attributed).Where(one => one.Name != Attribute);
                SetAttributes(attributed, [.. others, new ExtendedAttribute(Attribute, [.. Bytes().Take(50)])]);
                break;
            case TreeChangeKind.AttributeRemoved when IsFileOrDirectory(attributed):
                SetAttributes(attributed, []);
                break;
        }
    }

    private string Attribute => $"user.{(char)('a' + (Seed % 3))}";

    private static bool IsFree(string path) =>
        FileStatus.TryRead(path) is null && FileStatus.TryRead(Path.GetDirectoryName(path)!) is { Kind: FileKind.Directory };

    private static bool IsFileOrDirectory(string path) => FileStatus.TryRead(path) is { Kind: FileKind.File or FileKind.Directory };

    private static void Change(string path, Action<SafeFileHandle> action)
    {
        if (IsFree(path) || FileStatus.TryRead(path) is { Kind: FileKind.File })
        {
            // Not to be created where it exists: in a directory that anybody may write, the kernel denies even root to do that with a file of another.
            using var file = File.OpenHandle(path, IsFree(path) ? FileMode.CreateNew : FileMode.Open, FileAccess.ReadWrite);
            action(file);
        }
    }

    internal static void SetAttributes(string path, IReadOnlyList<ExtendedAttribute> attributes)
    {
        try
        {
            ExtendedAttributes.Write(path, attributes);
        }
        catch (PosixException error) when (error.Error == PosixException.NotSupported)
        {
            // The file system of the temporary directory has none: a change that makes no sense there.
        }
    }

    private static void PunchHole(SafeFileHandle file, long offset, long length)
    {
        const int punchHoleKeepSize = 3;
        if (Allocate(file, punchHoleKeepSize, offset, length) != 0)
        {
            throw new PosixException("fallocate", "a file", Marshal.GetLastPInvokeError());
        }
    }

    private unsafe void ShareBlocks(string from, SafeFileHandle to)
    {
        const nuint cloneRange = 0x4020940D;
        using var source = File.OpenHandle(from);
        const int block = 4096;
        var range = stackalloc long[] { source.DangerousGetHandle(), Seed % 64 * block, (Length / block + 1) * block, Offset / block * block };
        _ = Control(to, cloneRange, range);
    }

    [LibraryImport("libc", EntryPoint = "ioctl")]
    private static unsafe partial int Control(SafeFileHandle file, nuint request, long* argument);

    [LibraryImport("libc", EntryPoint = "fallocate", SetLastError = true)]
    private static partial int Allocate(SafeFileHandle file, int mode, long offset, long length);

    private byte[] Bytes()
    {
        var bytes = new byte[Length];
        new Random(Seed).NextBytes(bytes);
        return bytes;
    }
}
