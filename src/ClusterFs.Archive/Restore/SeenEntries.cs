using System.Runtime.InteropServices;
using ClusterFs.Archive.Capture;

namespace ClusterFs.Archive.Restore;

/// <summary>
/// What was seen of the tree at each entry of a manifest, in its order. On the disk, because there is one for every file where no index tells of them;
/// what the plan changes, which is limited, in memory. Used by one thread.
/// </summary>
/// <param name="file">Made, and deleted at once: nothing of it is left when the process ends.</param>
internal sealed class SeenEntries(string file) : IDisposable
{
    private const int AlongDisk = 1 << 16;
    private const byte InIndex = 0;
    private const byte NotThere = 1;
    private const byte Seen = 2;

    private readonly Dictionary<string, FileIdentity?> _changed = new(StringComparer.Ordinal);
    private FileStream? _seen;

    private FileStream Stream => _seen ??= Open();

    /// <summary>The next entry has the identity that the index tells of.</summary>
    public void AddKnown() => Stream.WriteByte(InIndex);

    /// <summary>The index does not tell of the next entry.</summary>
    /// <param name="identity">All zero where it might not tell of a later change; null where there is nothing.</param>
    public void Add(FileIdentity? identity)
    {
        Stream.WriteByte(identity is null ? NotThere : Seen);
        if (identity is { } seen)
        {
            Stream.Write(MemoryMarshal.AsBytes(new ReadOnlySpan<FileIdentity>(in seen)));
        }
    }

    /// <summary>An entry will not be, or is no more, what was seen of it.</summary>
    /// <param name="identity">What it is now; all zero where another process may have come to it, null where only this one has.</param>
    public void Change(string path, FileIdentity? identity) => _changed[path] = identity;

    /// <summary>Once all are added: walks through them again.</summary>
    public Walk Again()
    {
        Stream.Position = 0;
        return new Walk(Stream, _changed);
    }

    public void Dispose() => _seen?.Dispose();

    private FileStream Open()
    {
        var opened = new FileStream(file, new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.ReadWrite,
            BufferSize = AlongDisk,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        });
        File.Delete(file);
        return opened;
    }

    public sealed class Walk(FileStream seen, IReadOnlyDictionary<string, FileIdentity?> changed)
    {
        /// <param name="path">Of the next entry.</param>
        /// <param name="identity">What it was when it was known to be right; null where only this process has come to it.</param>
        /// <returns>Whether what the index tells of it holds; <paramref name="identity"/> is null then.</returns>
        public bool IsKnown(string path, out FileIdentity? identity)
        {
            var kind = seen.ReadByte();
            FileIdentity? there = null;
            if (kind == Seen)
            {
                var read = default(FileIdentity);
                seen.ReadExactly(MemoryMarshal.AsBytes(new Span<FileIdentity>(ref read)));
                there = read;
            }
            else if (kind < 0)
            {
                throw new EndOfStreamException($"nothing was seen of {path}");
            }

            var isChanged = changed.TryGetValue(path, out var now);
            identity = isChanged ? now : there;
            return kind == InIndex && !isChanged;
        }
    }
}
