using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using ClusterFs.Posix;
using Microsoft.Win32.SafeHandles;

namespace ClusterFs.Content.Placing;

/// <summary>What tells, without reading it, that a file or a tree is still the same.</summary>
/// <param name="Bytes">In all of its files.</param>
internal readonly record struct TreeIdentity(UInt128 Hash, int Entries, long Bytes);

/// <summary>
/// A file, or a directory with all that is in it, read as one thing: only plain files and directories, no link is followed, whoever changes it
/// meanwhile. Each directory is opened, which makes network file systems ask for what changed elsewhere; so is each file that is read. Left out are what
/// editors keep beside a file and what network file systems keep of deleted ones.
/// </summary>
internal static class Tree
{
    /// <summary>Far above any configuration.</summary>
    public const int MostEntries = 20_000;

    /// <inheritdoc cref="MostEntries"/>
    public const long MostBytes = 64 << 20;

    private const int Deepest = 32;
    private const uint ForReading = 0x16D;
    private const uint OwnerReads = 0x100;
    private const uint OwnerAll = 0x1C0;
    private const uint OwnerWrites = 0x80;

    /// <summary>One entry on the way; a directory comes before what is in it.</summary>
    /// <param name="path">Relative to the top; empty for the top itself.</param>
    /// <param name="file">Open, where files are read.</param>
    private delegate void Visit(string path, FileStatus status, SafeFileHandle? file);

    /// <summary>Its identity as of now. No file is opened.</summary>
    /// <param name="root">Opened whatever it is; links on the way to it are followed.</param>
    /// <param name="relative">From there on, no link is.</param>
    /// <param name="anew">
    /// Whether a network file system is to ask its server for each file. Otherwise what was made, deleted or renamed elsewhere is seen all the same, and
    /// what was written in its place up to a minute later.
    /// </param>
    /// <exception cref="PlacingException">It cannot be used: it says why.</exception>
    /// <exception cref="FileNotFoundException">There is none.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static TreeIdentity Look(string root, string relative, bool anew = true)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var (entries, bytes) = (0, 0L);
        var numbers = new byte[6 * sizeof(ulong)];
        Walk(root, relative, anew ? Depth.Asked : Depth.Remembered, (path, status, _) =>
        {
            entries++;
            bytes += status.Kind == FileKind.File ? status.Size : 0;
            hash.AppendData(Encoding.UTF8.GetBytes(path + '\0'));
            BinaryPrimitives.WriteUInt64LittleEndian(numbers, status.Inode);
            BinaryPrimitives.WriteUInt64LittleEndian(numbers.AsSpan(8), status.Device);
            BinaryPrimitives.WriteInt64LittleEndian(numbers.AsSpan(16), status.Kind == FileKind.File ? status.Size : 0);
            BinaryPrimitives.WriteInt64LittleEndian(numbers.AsSpan(24), status.ModifiedNs);
            BinaryPrimitives.WriteInt64LittleEndian(numbers.AsSpan(32), status.ChangedNs);
            BinaryPrimitives.WriteUInt64LittleEndian(numbers.AsSpan(40), status.Mode);
            hash.AppendData(numbers);
        });
        return new TreeIdentity(BinaryPrimitives.ReadUInt128LittleEndian(hash.GetHashAndReset()), entries, bytes);
    }

    /// <summary>
    /// The name of this content, as a version: its modes, the names in it, and bytes. Not its own name: a source that was only renamed is the same
    /// version. The same for whatever <see cref="CopyVersion"/> made of it.
    /// </summary>
    /// <inheritdoc cref="Look" path="/exception"/>
    public static string VersionOf(string root, string relative) => DigestOf(root, relative, withModes: true);

    /// <summary>What a directory holds, apart from its own name and from modes.</summary>
    public static string DigestOf(string directory) =>
        DigestOf(Path.GetDirectoryName(directory)!, Path.GetFileName(directory), withModes: false);

    /// <summary>The files of a tree, by their paths below its top, and what is in them.</summary>
    public static SortedDictionary<string, byte[]> ReadAll(string root, string relative)
    {
        var files = new SortedDictionary<string, byte[]>(StringComparer.Ordinal);
        Walk(root, relative, Depth.Opened, (path, status, file) =>
        {
            if (status.Kind == FileKind.File)
            {
                files[path] = Read(file!, status);
            }
        });
        return files;
    }

    /// <summary>
    /// Copies it, durably, for good: nobody may write to the copies, which belong to this process's user and the group of the original; where the
    /// storage does not let root give files to a group (NFS with root_squash), to the group that it gives them.
    /// </summary>
    /// <param name="to">Where nothing is.</param>
    public static void CopyVersion(string root, string relative, string to) => Copy(root, relative, to, mode => mode);

    /// <summary>Copies it, durably, for its owner to write to.</summary>
    /// <param name="to">Where nothing is.</param>
    public static void CopyForUse(string root, string relative, string to) => Copy(root, relative, to, mode => mode | OwnerWrites);

    /// <summary>What a version keeps of a mode.</summary>
    private static uint ModeOf(FileStatus status) =>
        status.Kind == FileKind.Directory ? (status.Mode & ForReading) | OwnerAll : (status.Mode & ForReading) | OwnerReads;

    private static string DigestOf(string root, string relative, bool withModes)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[1 << 16];
        Walk(root, relative, Depth.Opened, (path, status, file) =>
        {
            var mode = withModes ? Convert.ToString(ModeOf(status), 8) : "-";
            var kind = status.Kind == FileKind.Directory ? 'd' : 'f';
            var size = status.Kind == FileKind.File ? status.Size : 0;
            hash.AppendData(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{kind} {mode} {size} /{path}\0")));
            if (status.Kind == FileKind.File)
            {
                ReadWhole(file!, status, buffer, bytes => hash.AppendData(bytes.Span));
            }
        });
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static void Copy(string root, string relative, string to, Func<uint, uint> modeOf)
    {
        var buffer = new byte[1 << 16];
        var directories = new List<(string Path, uint Mode)>();
        Walk(root, relative, Depth.Opened, (path, status, file) =>
        {
            var target = path.Length == 0 ? to : Path.Combine(to, path);
            var mode = modeOf(ModeOf(status));
            if (status.Kind == FileKind.Directory)
            {
                Directory.CreateDirectory(target, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
                using var made = UnlockedFile.OpenDirectory(target);
                GiveGroup(made, status);
                directories.Add((target, mode));
                return;
            }

            using var copy = new FileStream(target, new FileStreamOptions
            {
                Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            });
            ReadWhole(file!, status, buffer, bytes => copy.Write(bytes.Span));
            GiveGroup(copy.SafeFileHandle, status);
            FileAttribution.SetMode(copy.SafeFileHandle, mode);
            copy.Flush(flushToDisk: true);
        });
        foreach (var (directory, mode) in directories.AsEnumerable().Reverse())
        {
            FileAttribution.SetMode(directory, mode);
            Durable.SyncDirectory(directory);
        }
    }

    private static void GiveGroup(SafeFileHandle copy, FileStatus original)
    {
        if (Processes.IsRoot)
        {
            try
            {
                const uint asItIs = uint.MaxValue;
                FileAttribution.SetOwner(copy, asItIs, original.Group);
            }
            catch (PosixException squashed) when (squashed.Error == PosixException.NotPermitted)
            {
                // To such storage, root is nobody.
            }
        }
    }

    private static byte[] Read(SafeFileHandle file, FileStatus status)
    {
        using var content = new MemoryStream();
        ReadWhole(file, status, new byte[1 << 14], bytes => content.Write(bytes.Span));
        return content.ToArray();
    }

    private static void ReadWhole(SafeFileHandle file, FileStatus status, byte[] buffer, Action<ReadOnlyMemory<byte>> take)
    {
        var offset = 0L;
        int read;
        while (offset < status.Size && (read = RandomAccess.Read(file, buffer.AsSpan(0, (int)Math.Min(buffer.Length, status.Size - offset)), offset)) > 0)
        {
            take(buffer.AsMemory(0, read));
            offset += read;
        }

        if (offset != status.Size)
        {
            throw new PlacingException("somebody is writing it; it is read again once it stays as it is");
        }
    }

    /// <summary>How closely files are looked at.</summary>
    private enum Depth
    {
        /// <summary>As the machine remembers them.</summary>
        Remembered,

        /// <summary>As a server says that they are now.</summary>
        Asked,

        /// <summary>Open.</summary>
        Opened,
    }

    private static void Walk(string root, string relative, Depth depth, Visit visit)
    {
        var (entries, bytes) = (0, 0L);
        using var top = OpenRoot(root);
        var open = new Stack<OpenDirectory>();
        try
        {
            var parent = top;
            var parts = relative.Split('/');
            foreach (var part in parts[..^1])
            {
                parent = parent.TryOpenBelow(part) ?? throw Missing(root, relative);
                open.Push(parent);
            }

            VisitOne(parent, parts[^1], "", 0);
        }
        finally
        {
            while (open.TryPop(out var directory))
            {
                directory.Dispose();
            }
        }

        void VisitOne(OpenDirectory parent, string name, string path, int level)
        {
            if (FileStatus.TryRead(parent, name, anew: depth == Depth.Asked) is not { } found)
            {
                throw Missing(root, Path.Combine(relative, path));
            }

            if (++entries > MostEntries || level > Deepest)
            {
                throw new PlacingException($"{Path.Combine(root, relative)}: holds more than {MostEntries} files, or more than {Deepest} levels of directories");
            }

            switch (found.Kind)
            {
                case FileKind.Directory:
                    using (var directory = parent.TryOpenBelow(name) ?? throw Missing(root, Path.Combine(relative, path)))
                    {
                        visit(path, directory.Status, directory.Handle);
                        var names = directory.Names;
                        if (!names.Unreadable.IsEmpty)
                        {
                            throw new PlacingException($"{Path.Combine(root, relative, path)}: the name {names.Unreadable[0]} in it is no UTF-8; rename it");
                        }

                        foreach (var inside in names.Names.Where(inside => !IsLeftOut(inside)))
                        {
                            VisitOne(directory, inside, path.Length == 0 ? inside : $"{path}/{inside}", level + 1);
                        }
                    }

                    break;
                case FileKind.File when depth != Depth.Opened:
                    Count(found);
                    visit(path, found, null);
                    break;
                case FileKind.File:
                    using (var file = PlainFile.OpenRead(parent[name]))
                    {
                        var status = FileStatus.Read(file);
                        if (status.Kind != FileKind.File)
                        {
                            throw new PlacingException($"{Path.Combine(root, relative, path)}: somebody is replacing it; it is read again once it stays as it is");
                        }

                        Count(status);
                        visit(path, status, file);
                    }

                    break;
                default:
                    throw new PlacingException(found.Kind == FileKind.SymbolicLink
                        ? $"{Path.Combine(root, relative, path)}: is a symbolic link, and it might lead anywhere; put there the file that it leads to"
                        : $"{Path.Combine(root, relative, path)}: is no regular file and no directory");
            }
        }

        void Count(FileStatus file)
        {
            if ((bytes += file.Size) > MostBytes)
            {
                throw new PlacingException($"{Path.Combine(root, relative)}: holds more than {MostBytes >> 20} MiB, too much for a configuration");
            }
        }
    }

    private static OpenDirectory OpenRoot(string root)
    {
        // The root itself may be a link; what it leads to is opened as it is.
        using var found = UnlockedFile.OpenDirectory(root);
        return OpenDirectory.TryOpen(UnlockedFile.RealPath(found)) ?? throw Missing(root, "");
    }

    private static bool IsLeftOut(string name) => name.EndsWith('~')
        || (name.StartsWith('#') && name.EndsWith('#'))
        || name.StartsWith(".#", StringComparison.Ordinal)
        || name.StartsWith(".nfs", StringComparison.Ordinal)
        || (name.StartsWith('.') && Path.GetExtension(name) is ".swp" or ".swo" or ".swx");

    private static FileNotFoundException Missing(string root, string relative)
    {
        var path = Path.Combine(root, relative);
        return FileStatus.TryRead(path) is { Kind: FileKind.SymbolicLink }
            ? throw new PlacingException($"{path}: is a symbolic link, and it might lead anywhere; name what it leads to")
            : new FileNotFoundException($"{path}: there is no such file or directory", path);
    }
}
