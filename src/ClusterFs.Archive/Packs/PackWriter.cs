using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using ClusterFs.Archive.Log;
using ClusterFs.Archive.Threads;
using ClusterFs.Posix;

namespace ClusterFs.Archive.Packs;

/// <summary>
/// Builds one pack under a temporary name and publishes it whole. Until <see cref="Publish"/> nothing of it can be seen; a pack that is
/// disposed unpublished leaves nothing behind. Blocks are compressed by as many threads as there are processors while the caller goes on.
/// Not safe for use by several threads.
/// </summary>
internal sealed class PackWriter : IDisposable
{
    /// <summary>So many bytes are handed to the disk while the next are compressed, in bytes. All of them at the end, it would be waited for.</summary>
    private const long HandedOver = 8L << 20;

    /// <summary>So many bytes are compressed sooner than another thread is woken for them.</summary>
    private const int Little = 64 << 10;

    private static readonly int MostBlocks = Math.Max(1, Environment.ProcessorCount);

    private readonly ArchiveLayout _layout;
    private readonly string _temporary;
    private readonly Lock _writing = new();
    private readonly List<BlockRow> _rows = [];
    private readonly SemaphoreSlim _free = new(MostBlocks);
    private readonly OpenBlock _contents = new();
    private readonly OpenBlock _lists = new();
    private readonly PackCipher? _cipher;
    private readonly ArchiveThreads? _own;
    private FileStream? _file;
    private Exception? _failure;
    private long _handedOver;
    private bool _gone;
    private bool _disposed;

    /// <param name="key">Null: nothing is encrypted.</param>
    /// <param name="workers">Who compresses, and reads back; null: threads of its own.</param>
    public PackWriter(ArchiveLayout layout, string nonce, ArchiveKey? key = null, TaskScheduler? workers = null)
    {
        _layout = layout;
        Workers = workers ?? (_own = new ArchiveThreads(MostBlocks));
        Id = PackId.Parse(nonce);
        _cipher = key is null ? null : new PackCipher(key, Id);
        _temporary = layout.NewTemporary(nonce);
    }

    public PackId Id { get; }

    /// <summary>Who compresses, and reads back.</summary>
    public TaskScheduler Workers { get; }

    /// <summary>Length of the whole pack; known once it is published.</summary>
    public long StoredBytes { get; private set; }

    /// <summary>Whether anything was put in.</summary>
    public bool IsEmpty => _rows.Count == 0;

    /// <summary>Appends bytes of a file: at most <see cref="PackFormat.BlockSize"/>.</summary>
    public Piece Add(ReadOnlySpan<byte> bytes) => Add(_contents, bytes);

    /// <summary>Room left in the block that contents go into, in bytes.</summary>
    public int Room => PackFormat.BlockSize - _contents.Length;

    /// <summary>Appends a node of a list. Lists have blocks of their own, so that reading one reads no contents.</summary>
    public Piece AddNode(ReadOnlySpan<byte> bytes) => Add(_lists, bytes);

    /// <summary>
    /// Appends the manifest, syncs, reads everything back from storage and compares it, and gives the pack its name. Only then may anything
    /// refer to it.
    /// </summary>
    /// <exception cref="SharedStorageException">The storage is away or full.</exception>
    public ManifestLocation Publish(ReadOnlySpan<byte> manifest, CancellationToken cancellation)
    {
        Close(_contents);
        Close(_lists);
        var place = Add(_lists, manifest);
        Close(_lists);
        WaitForWorkers();
        ThrowIfFailed();
        SharedStorage.Reach(_temporary, () =>
        {
            WriteTable(_file!);
            StoredBytes = _file!.Length;
            _file.Flush(flushToDisk: true);
            _file.Dispose();
        });
        VerifyWritten(cancellation);
        SharedStorage.Publish(_temporary, _layout.Pack(Id.ToString()));
        _gone = true;
        var row = _rows[place.Block];
        var hash = _cipher is null ? Digest.Of(manifest) : row.Sha256;
        return new ManifestLocation(Id.ToString(), row.Offset, row.Length, row.Size, hash.ToString());
    }

    public void Dispose()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        WaitForWorkers();
        _own?.Dispose();
        _contents.Return();
        _lists.Return();
        _file?.Dispose();
        _free.Dispose();
        if (_file is not null && !_gone)
        {
            _gone = true;
            try
            {
                File.Delete(_temporary);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                // The storage is away. What is left in tmp/ is garbage that nothing refers to.
            }
        }
    }

    private Piece Add(OpenBlock block, ReadOnlySpan<byte> bytes)
    {
        if (block.Length > 0 && block.Length + bytes.Length > PackFormat.BlockSize)
        {
            Close(block);
        }

        if (block.Length == 0)
        {
            lock (_writing)
            {
                block.Number = _rows.Count;
                _rows.Add(default);
            }
        }

        var offset = block.Append(bytes);
        return new Piece(Id, block.Number, offset, bytes.Length);
    }

    /// <summary>Hands a block to a thread that compresses and writes it; waits while all are busy, so that memory stays bounded.</summary>
    private void Close(OpenBlock block)
    {
        if (block.Length == 0)
        {
            return;
        }

        ThrowIfFailed();
        var (bytes, length) = block.Detach();
        var number = block.Number;
        _free.Wait();
        if (length <= Little)
        {
            StoreAndFree(number, bytes, length);
            return;
        }

        _ = Task.Factory.StartNew(
            () => StoreAndFree(number, bytes, length), CancellationToken.None, TaskCreationOptions.DenyChildAttach, Workers);
    }

    private void StoreAndFree(int number, byte[] bytes, int length)
    {
        try
        {
            Store(number, bytes.AsSpan(0, length));
        }
        catch (Exception failure)
        {
            _failure ??= failure;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bytes);
            _free.Release();
        }
    }

    private void Store(int number, ReadOnlySpan<byte> bytes)
    {
        var frame = ArrayPool<byte>.Shared.Rent(BlockCompressor.Bound(bytes.Length) + PackCipher.Overhead);
        try
        {
            var length = _cipher is null
                ? BlockCompressor.Compress(bytes, frame)
                : _cipher.Seal(number, frame, BlockCompressor.Compress(bytes, PackCipher.Inside(frame)));
            var hash = Digest.Of(frame.AsSpan(0, length));
            var (from, written) = (0L, 0L);
            lock (_writing)
            {
                _file ??= SharedStorage.Reach(_temporary, Create);
                _rows[number] = new BlockRow(_file.Position, length, bytes.Length, hash);
                _file.Write(frame, 0, length);
                if (_file.Position - _handedOver >= HandedOver)
                {
                    (from, written) = (_handedOver, _file.Position - _handedOver);
                    _handedOver = _file.Position;
                }
            }

            if (written > 0)
            {
                Durable.BeginSync(_file.SafeFileHandle, from, written);
            }
        }
        catch (Exception error) when (error is UnauthorizedAccessException or IOException and not ArchiveException)
        {
            throw new SharedStorageException(_temporary, $"{error.Message.TrimEnd('.')}. Check that it is mounted, and has space.", error);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(frame);
        }
    }

    private FileStream Create()
    {
        var file = new FileStream(_temporary, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.Read, bufferSize: 0);
        if (_cipher is null)
        {
            file.Write(PackFormat.Header);
            return file;
        }

        Span<byte> id = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(id, _cipher.KeyId);
        file.Write(PackFormat.EncryptedHeader);
        file.Write(id);
        return file;
    }

    private void WriteTable(FileStream file)
    {
        var table = new byte[_rows.Count * PackFormat.RowLength];
        for (var i = 0; i < _rows.Count; i++)
        {
            _rows[i].Write(table.AsSpan(i * PackFormat.RowLength));
        }

        var frame = new byte[BlockCompressor.Bound(table.Length)];
        var length = BlockCompressor.Compress(table, frame);
        Span<byte> trailer = stackalloc byte[PackFormat.TrailerLength];
        BinaryPrimitives.WriteInt64LittleEndian(trailer, file.Position);
        BinaryPrimitives.WriteInt64LittleEndian(trailer[8..], length);
        BinaryPrimitives.WriteInt64LittleEndian(trailer[16..], table.Length);
        SHA256.HashData(table, trailer[24..]);
        PackFormat.TrailerMagic.CopyTo(trailer[56..]);
        file.Write(frame, 0, length);
        file.Write(trailer);
    }

    private void VerifyWritten(CancellationToken cancellation)
    {
        using var reader = new PackReader(_ => new PackPlace(_temporary, 0, null));
        reader.VerifyStored(Id, Workers, cancellation);
    }

    private void WaitForWorkers()
    {
        for (var i = 0; i < MostBlocks; i++)
        {
            _free.Wait();
        }

        _free.Release(MostBlocks);
    }

    private void ThrowIfFailed()
    {
        if (_failure is { } failure)
        {
            throw failure is ArchiveException known ? known : new ArchiveException($"{_temporary} cannot be written: {failure.Message}", failure);
        }
    }

    /// <summary>A block that is being filled.</summary>
    private sealed class OpenBlock
    {
        private byte[]? _bytes;

        public int Length { get; private set; }

        public int Number { get; set; }

        public int Append(ReadOnlySpan<byte> bytes)
        {
            var offset = Length;
            if (_bytes is null || _bytes.Length < offset + bytes.Length)
            {
                var larger = ArrayPool<byte>.Shared.Rent(Math.Max(PackFormat.BlockSize, offset + bytes.Length));
                _bytes?.AsSpan(0, offset).CopyTo(larger);
                Return();
                _bytes = larger;
            }

            bytes.CopyTo(_bytes.AsSpan(offset));
            Length = offset + bytes.Length;
            return offset;
        }

        public (byte[] Bytes, int Length) Detach()
        {
            var detached = (_bytes!, Length);
            _bytes = null;
            Length = 0;
            return detached;
        }

        public void Return()
        {
            if (_bytes is not null)
            {
                ArrayPool<byte>.Shared.Return(_bytes);
                _bytes = null;
            }
        }
    }
}
