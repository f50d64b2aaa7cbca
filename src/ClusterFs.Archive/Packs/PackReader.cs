using System.Buffers;
using System.Buffers.Binary;
using ClusterFs.Archive.Log;
using ClusterFs.Archive.Threads;
using Microsoft.Win32.SafeHandles;

namespace ClusterFs.Archive.Packs;

/// <summary>
/// Reads pieces out of packs. Keeps files open and the blocks read last, at most <see cref="CacheSize"/> bytes of them. Safe for use by several
/// threads.
/// </summary>
/// <param name="find">Where a pack lies, or would lie if it were there.</param>
/// <param name="patience">
/// How long packs that are not there are waited for, all in all: one that was bundled may be out of sight for as long as a network file system
/// caches a listing.
/// </param>
/// <param name="keys">For packs that are encrypted.</param>
internal sealed partial class PackReader(Func<PackId, PackPlace> find, TimeSpan patience = default, ArchiveKeys? keys = null) : IDisposable
{
    public const long CacheSize = 48 << 20;

    /// <summary>Of its own: more than compute, because most of them wait for storage.</summary>
    private static readonly int MostThreads = Math.Max(8, Environment.ProcessorCount);

    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(200);

    private readonly Lock _gate = new();
    private readonly Dictionary<PackId, OpenPack> _packs = [];
    private readonly Dictionary<string, SafeFileHandle> _files = new(StringComparer.Ordinal);
    private readonly BlockCache _blocks = new(CacheSize);
    private readonly ArchiveThreads _threads = new(MostThreads);

    /// <summary>Threads of this reader, for whoever reads by several.</summary>
    public TaskScheduler Workers => _threads;

    /// <summary>Bytes read from storage.</summary>
    public long BytesRead => Interlocked.Read(ref _bytesRead);

    private long _bytesRead;
    private readonly ManualResetEvent _never = new(initialState: false);
    private TimeSpan _patience = patience;

    /// <summary>The file that a pack lies in; for messages.</summary>
    public string FileOf(PackId pack)
    {
        lock (_gate)
        {
            return _packs.TryGetValue(pack, out var open) ? open.File : find(pack).File;
        }
    }

    /// <summary>The number of the key that a pack is under; null when it is not encrypted.</summary>
    public ulong? KeyIdOf(PackId pack) => Open(pack, "its header").KeyId;

    /// <param name="target">Exactly as long as the piece.</param>
    /// <param name="what">Whose bytes they are; for messages.</param>
    public void Read(Piece piece, Span<byte> target, string what)
    {
        var block = Block(piece.Pack, piece.Block, what);
        if (piece.Offset < 0 || piece.Length < 0 || piece.Offset > block.Length - piece.Length)
        {
            throw new DamagedArchiveException(FileOf(piece.Pack), $"{what} should lie in block {piece.Block}, which is too short");
        }

        if (!target.IsEmpty)
        {
            // The runtime reads a byte of the target before it copies. Where memory was never used, that makes the kernel map a page of zeros and take it away
            // again from all processors, which costs more than what is copied.
            target[0] = 0;
        }

        block.AsSpan(piece.Offset, piece.Length).CopyTo(target);
    }

    /// <summary>
    /// Has another thread read a block, unless it is at hand, or it is not known whether its pack has one of that number. Advice only: where it fails, whoever wants
    /// the block reads it.
    /// </summary>
    /// <returns>Whether a thread was asked.</returns>
    public bool Expect(PackId id, int number, string what)
    {
        int size;
        lock (_gate)
        {
            if (!_packs.TryGetValue(id, out var pack) || pack.Table is not { } table || (uint)number >= (uint)table.Length)
            {
                return false;
            }

            size = table[number].Size;
        }

        if (_blocks.TryAdd(id, number, size, () => Load(id, number, what)) is not { } expected)
        {
            return false;
        }

        _ = Task.Factory.StartNew(
            () =>
            {
                try
                {
                    _ = expected.Value;
                }
                catch (Exception)
                {
                    // Whoever wants the block reads it, and is told.
                    _blocks.Forget(id, number, expected);
                }
            },
            CancellationToken.None,
            TaskCreationOptions.DenyChildAttach,
            _threads);
        return true;
    }

    /// <summary>
    /// Decompresses a block that is not at hand to the place where it is wanted, if there is room for it. It is not kept: for blocks of which all
    /// that matters is wanted now.
    /// </summary>
    /// <returns>The size of the block; null when it is at hand or larger than the target, and nothing was done.</returns>
    public int? TryReadBlock(PackId id, int number, Span<byte> target, string what)
    {
        if (_blocks.Has(id, number))
        {
            return null;
        }

        var pack = Open(id, what);
        var row = RowOf(pack, number, what);
        if (row.Size > target.Length)
        {
            return null;
        }

        Load(pack, number, row, target[..row.Size], what);
        return row.Size;
    }

    public byte[] Read(Piece piece, string what)
    {
        if (piece.Length > PackFormat.MaxBlockSize)
        {
            throw new HostileManifestException(FileOf(piece.Pack), $"{what} is said to have {piece.Length} bytes");
        }

        var bytes = new byte[piece.Length];
        Read(piece, bytes, what);
        return bytes;
    }

    /// <summary>Reads the block that a record points at, which needs no table.</summary>
    public byte[] ReadManifest(ManifestLocation location)
    {
        const string what = "the manifest";
        var pack = PackId.Parse(location.Pack);
        if (location.Size is < 0 or > PackFormat.MaxBlockSize || location.Length is < 0 or > PackFormat.MaxBlockLength || location.Offset < 0)
        {
            throw new HostileManifestException(FileOf(pack), $"{what} is said to have {location.Size} bytes");
        }

        var frame = new byte[location.Length];
        var open = Open(pack, what);
        ReadExactly(open, location.Offset, frame, what);

        // The hash of what is encrypted would tell whoever guesses it that the guess is right.
        var hash = open.KeyId is null ? default : Digest.Of(frame);
        var bytes = new byte[location.Size];
        Decompress(open.File, Unsealed(open, null, frame, what).Span, bytes, what);
        hash = open.KeyId is null ? Digest.Of(bytes) : hash;
        return hash.ToString() == location.Sha256
            ? bytes
            : throw new DamagedArchiveException(FileOf(pack), "the SHA-256 of its manifest does not match");
    }

    /// <summary>Sees that a block is there, without reading it.</summary>
    public void Require(PackId id, int number, string what) => _ = RowOf(Open(id, what), number, what);

    public void Dispose()
    {
        _threads.Dispose();
        _never.Dispose();
        foreach (var file in _files.Values)
        {
            file.Dispose();
        }
    }

    private byte[] Block(PackId id, int number, string what) => (_blocks.Find(id, number) ?? Loading(id, number, what)).Value;

    private Lazy<byte[]> Loading(PackId id, int number, string what) => _blocks.Get(id, number, () => Load(id, number, what));

    private byte[] Load(PackId id, int number, string what)
    {
        var pack = Open(id, what);
        var row = RowOf(pack, number, what);
        var bytes = GC.AllocateUninitializedArray<byte>(row.Size);
        Load(pack, number, row, bytes, what);
        return bytes;
    }

    private void Load(OpenPack pack, int number, BlockRow row, Span<byte> target, string what)
    {
        var frame = ReadFrame(pack, row, what);
        try
        {
            Decompress(pack.File, Unsealed(pack, number, frame.AsMemory(0, row.Length), what).Span, target, what);
        }
        finally
        {
            ReturnFrame(frame);
        }
    }

    /// <summary>The zstd frame of a block, whether it was encrypted or not.</summary>
    private Memory<byte> Unsealed(OpenPack pack, int? number, Memory<byte> block, string what) => CipherOf(pack) is { } cipher
        ? cipher.TryOpen(number, block)
            ?? throw new DamagedArchiveException(pack.File, $"the block with {what} is not what was encrypted")
        : block;

    private PackCipher? CipherOf(OpenPack pack)
    {
        if (pack.KeyId is not { } id)
        {
            return null;
        }

        return pack.Cipher ??= new PackCipher(
            keys?.Find(id) ?? throw new ArchiveKeyException(keys is null
                ? $"{pack.File} is encrypted. Name the file with its key (shared.key-file, or --key-file)."
                : $"{pack.File} is encrypted with key {id:x16}, which is not in {keys.File}. Add that key to it."),
            pack.Id);
    }

    private BlockRow RowOf(OpenPack pack, int number, string what)
    {
        var table = Table(pack, what);
        return number >= 0 && number < table.Length
            ? table[number]
            : throw new DamagedArchiveException(pack.File, $"{what} should lie in block {number}, of {table.Length}");
    }

    private byte[] ReadFrame(OpenPack pack, BlockRow row, string what)
    {
        var frame = ArrayPool<byte>.Shared.Rent(row.Length);
        ReadExactly(pack, row.Offset, frame.AsSpan(0, row.Length), what);
        return Digest.Of(frame.AsSpan(0, row.Length)) == row.Sha256
            ? frame
            : throw new DamagedArchiveException(pack.File, $"the SHA-256 of the block with {what} does not match");
    }

    private static void ReturnFrame(byte[] frame) => ArrayPool<byte>.Shared.Return(frame);

    private BlockRow[] Table(OpenPack pack, string what)
    {
        lock (pack)
        {
            return pack.Table ??= ReadTable(pack, what);
        }
    }

    private BlockRow[] ReadTable(OpenPack pack, string what)
    {
        const string table = "its table of blocks";
        Span<byte> trailer = stackalloc byte[PackFormat.TrailerLength];
        var end = pack.Length - PackFormat.TrailerLength;
        if (end < PackFormat.Header.Length)
        {
            throw new DamagedArchiveException(pack.File, $"it ends before {what}");
        }

        ReadExactly(pack, end, trailer, table);
        var offset = BinaryPrimitives.ReadInt64LittleEndian(trailer);
        var length = BinaryPrimitives.ReadInt64LittleEndian(trailer[8..]);
        var size = BinaryPrimitives.ReadInt64LittleEndian(trailer[16..]);
        if (!trailer[56..].SequenceEqual(PackFormat.TrailerMagic)
            || offset < 0 || length is < 0 or > PackFormat.MaxTableSize || offset != end - length
            || size is < 0 or > PackFormat.MaxTableSize || size % PackFormat.RowLength != 0)
        {
            throw new DamagedArchiveException(pack.File, "it does not end like a pack");
        }

        var frame = new byte[length];
        ReadExactly(pack, offset, frame, table);
        var bytes = new byte[size];
        Decompress(pack.File, frame, bytes, table);
        if (Digest.Of(bytes) != Digest.Read(trailer[24..]))
        {
            throw new DamagedArchiveException(pack.File, $"the SHA-256 of {table} does not match");
        }

        var rows = new BlockRow[size / PackFormat.RowLength];
        for (var i = 0; i < rows.Length; i++)
        {
            rows[i] = BlockRow.Read(bytes.AsSpan(i * PackFormat.RowLength));
            if (rows[i].Offset < 0 || rows[i].Length is < 0 or > PackFormat.MaxBlockLength || rows[i].Size is < 0 or > PackFormat.MaxBlockSize)
            {
                throw new DamagedArchiveException(pack.File, $"block {i} has an absurd size");
            }
        }

        return rows;
    }

    private void ReadExactly(OpenPack pack, long offset, Span<byte> target, string what)
    {
        var done = 0;
        if (offset > pack.Length - target.Length)
        {
            throw new DamagedArchiveException(pack.File, $"it ends before {what} at byte {offset}");
        }

        try
        {
            while (done < target.Length)
            {
                var read = RandomAccess.Read(pack.Handle, target[done..], pack.Offset + offset + done);
                if (read == 0)
                {
                    throw new DamagedArchiveException(pack.File, $"it ends before {what} at byte {offset}");
                }

                done += read;
            }

            Interlocked.Add(ref _bytesRead, done);
        }
        catch (Exception error) when (error is UnauthorizedAccessException or IOException and not ArchiveException)
        {
            throw Unreadable(pack.File, error);
        }
    }

    private static T Reach<T>(string file, Func<T> action)
    {
        try
        {
            return action();
        }
        catch (Exception error) when (error is UnauthorizedAccessException or IOException and not ArchiveException)
        {
            throw Unreadable(file, error);
        }
    }

    private static SharedStorageException Unreadable(string file, Exception error) =>
        new(file, $"{error.Message.TrimEnd('.')}. Check that it is mounted and readable.", error);

    private static void Decompress(string file, ReadOnlySpan<byte> frame, Span<byte> target, string what)
    {
        int size;
        try
        {
            size = BlockCompressor.Decompress(frame, target);
        }
        catch (InvalidDataException error)
        {
            throw new DamagedArchiveException(file, $"{what} cannot be decompressed ({error.Message})", error);
        }

        if (size != target.Length)
        {
            throw new DamagedArchiveException(file, $"{what} has {size} bytes instead of {target.Length}");
        }
    }

    private OpenPack Open(PackId id, string what)
    {
        lock (_gate)
        {
            if (_packs.TryGetValue(id, out var known))
            {
                return known;
            }

            var pack = Locate(id, what);
            Span<byte> header = stackalloc byte[PackFormat.Header.Length];
            ReadExactly(pack, 0, header, what);
            if (header.SequenceEqual(PackFormat.EncryptedHeader))
            {
                Span<byte> key = stackalloc byte[sizeof(ulong)];
                ReadExactly(pack, header.Length, key, what);
                pack.KeyId = BinaryPrimitives.ReadUInt64LittleEndian(key);
            }
            else if (!header.SequenceEqual(PackFormat.Header))
            {
                throw new DamagedArchiveException(pack.File, "it does not begin like a pack of this version");
            }

            _packs.Add(id, pack);
            return pack;
        }
    }

    private OpenPack Locate(PackId id, string what)
    {
        while (true)
        {
            var place = find(id);
            if (OpenFile(place.File) is { } handle)
            {
                var length = place.Length ?? Reach(place.File, () => RandomAccess.GetLength(handle));
                return new OpenPack(id, place.File, handle, place.Offset, length);
            }

            if (_patience <= TimeSpan.Zero)
            {
                throw new DamagedArchiveException(place.File, $"the pack is missing, and with it {what}");
            }

            _patience -= Poll;
            _ = _never.WaitOne(Poll);
        }
    }

    /// <returns>Null when the file is not there, or not any more.</returns>
    private SafeFileHandle? OpenFile(string file)
    {
        if (_files.TryGetValue(file, out var known))
        {
            return known;
        }

        try
        {
            var handle = Reach(file, () => File.OpenHandle(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete));
            _files.Add(file, handle);
            return handle;
        }
        catch (SharedStorageException error) when (error.InnerException is FileNotFoundException)
        {
            return null;
        }
    }

    private sealed class OpenPack(PackId id, string file, SafeFileHandle handle, long offset, long length)
    {
        public PackId Id => id;

        public string File => file;

        public SafeFileHandle Handle => handle;

        public long Offset => offset;

        public long Length => length;

        public BlockRow[]? Table { get; set; }

        /// <summary>Null when it is not encrypted.</summary>
        public ulong? KeyId { get; set; }

        public PackCipher? Cipher { get; set; }
    }
}
