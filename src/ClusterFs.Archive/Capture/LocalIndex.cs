using System.Buffers.Binary;
using System.IO.Hashing;
using ClusterFs.Archive.Manifests;
using ClusterFs.Archive.Packs;
using ClusterFs.Posix;

namespace ClusterFs.Archive.Capture;

/// <summary>The index cannot be read. It is a copy of what the archive and the files say: it is made anew.</summary>
internal sealed class DamagedIndexException(string file, string what) : Exception($"{file}: {what}");

/// <summary>
/// The entries of one dump with the identities of their files, in a file beside the live content that is read from end to end. Immutable: the
/// next dump replaces the file.
/// </summary>
/// <param name="Subject">Nonce of that dump.</param>
/// <param name="Rows">How many rows there are.</param>
/// <param name="PageSeed">Of the hashes of pages.</param>
/// <param name="Boot">Of the machine, when the identities were seen.</param>
internal sealed record LocalIndex(string File, string Subject, long Rows, long PageSeed, Guid Boot)
{
    private static ReadOnlySpan<byte> Magic => "ClusterFs index4"u8;

    private static readonly Guid ThisBoot = Guid.Parse(MachineClock.BootId);

    private const int HeaderLength = HashAt + sizeof(ulong);
    private const int RowsAt = 16 + PackId.Length;
    private const int SeedAt = RowsAt + sizeof(long);
    internal const int BootAt = SeedAt + sizeof(long);
    internal const int HashAt = BootAt + GuidLength;
    private const int GuidLength = 16;
    private const int ChunkHead = sizeof(int) + sizeof(ulong);
    private const int MaxChunk = 64 << 20;
    private const byte SettledFlag = 1;
    private const byte SqliteFlag = 2;
    private const byte LogFlag = 4;

    /// <returns>Null when there is none, its head is damaged, or it is of another version: nothing is known then, and everything is read.</returns>
    public static LocalIndex? TryOpen(string file)
    {
        try
        {
            using var stream = System.IO.File.OpenRead(file);
            Span<byte> header = stackalloc byte[HeaderLength];
            return stream.ReadAtLeast(header, HeaderLength, throwOnEndOfStream: false) == HeaderLength
                && header[..Magic.Length].SequenceEqual(Magic)
                && XxHash3.HashToUInt64(header[..HashAt]) == BinaryPrimitives.ReadUInt64LittleEndian(header[HashAt..])
                ? new LocalIndex(
                    file,
                    PackId.Read(header[Magic.Length..]).ToString(),
                    BinaryPrimitives.ReadInt64LittleEndian(header[RowsAt..]),
                    BinaryPrimitives.ReadInt64LittleEndian(header[SeedAt..]),
                    new Guid(header.Slice(BootAt, GuidLength)))
                : null;
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    /// <summary>
    /// The rows of a tree that others write to. An fdatasync makes bytes durable and not the times of their file: after a power cut a file may have
    /// changed and bear the identity of before. So none of another boot proves anything.
    /// </summary>
    /// <exception cref="DamagedIndexException">While enumerating.</exception>
    public IEnumerable<IndexRow> Read() => Boot == ThisBoot ? ReadOfAnyBoot() : ReadOfAnyBoot().Select(row => row with { Settled = false });

    /// <summary>The rows of a tree that nobody but this library writes to, and that was synced with its times.</summary>
    /// <exception cref="DamagedIndexException">While enumerating.</exception>
    public IEnumerable<IndexRow> ReadOfAnyBoot()
    {
        using var stream = new FileStream(File, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 1 << 16);
        stream.Position = HeaderLength;
        var head = new byte[ChunkHead];
        var rows = 0L;
        while (stream.ReadAtLeast(head, ChunkHead, throwOnEndOfStream: false) == ChunkHead)
        {
            foreach (var row in Parse(ReadChunk(stream, head)))
            {
                rows++;
                yield return row;
            }
        }

        if (rows != Rows)
        {
            throw new DamagedIndexException(File, $"it has {rows} rows instead of {Rows}");
        }
    }

    private byte[] ReadChunk(FileStream stream, byte[] head)
    {
        var length = BinaryPrimitives.ReadInt32LittleEndian(head);
        if (length is < 0 or > MaxChunk)
        {
            throw new DamagedIndexException(File, $"a part of it has {length} bytes");
        }

        var chunk = new byte[length];
        return stream.ReadAtLeast(chunk, length, throwOnEndOfStream: false) == length
            && XxHash3.HashToUInt64(chunk) == BinaryPrimitives.ReadUInt64LittleEndian(head.AsSpan(sizeof(int)))
            ? chunk
            : throw new DamagedIndexException(File, "a checksum does not match");
    }

    private List<IndexRow> Parse(byte[] chunk)
    {
        try
        {
            var source = new ByteReader(chunk);
            var packs = PackTable.Read(ref source);
            var count = source.Int();
            var rows = new List<IndexRow>(Math.Min(count, chunk.Length));
            var before = string.Empty;
            for (var i = 0; i < count; i++)
            {
                var entry = EntryFormat.Read(ref source, packs, before);
                var flags = source.Byte();
                var identity = ReadIdentity(ref source);
                var log = (flags & LogFlag) != 0 ? ReadIdentity(ref source) : default;
                rows.Add(new IndexRow(entry, identity, (flags & SettledFlag) != 0, (flags & SqliteFlag) != 0, log));
                before = entry.Path;
            }

            return rows;
        }
        catch (FormatException error)
        {
            throw new DamagedIndexException(File, error.Message);
        }
    }

    private static FileIdentity ReadIdentity(ref ByteReader source) =>
        new(source.Fixed(), source.Fixed(), source.Fixed(), (ulong)source.Fixed());

    /// <summary>Writes an index under a temporary name. Not synced: what a power cut leaves of it is found out by its checksums.</summary>
    public sealed class Writer : IDisposable
    {
        private const int RowsOfChunk = 512;

        private readonly string _file;
        private readonly string _temporary;
        private readonly FileStream _stream;
        private readonly ByteWriter _body = new();
        private readonly ByteWriter _chunk = new();
        private readonly PackTable _packs = new();
        private string _before = string.Empty;
        private int _inChunk;
        private long _rows;

        public Writer(string file)
        {
            _file = file;
            _temporary = $"{file}.{Guid.NewGuid():N}";
            _stream = new FileStream(_temporary, new FileStreamOptions
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.Write,
                Share = FileShare.Read,
                BufferSize = 1 << 16,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            });
            _stream.Write(new byte[HeaderLength]);
        }

        public void Add(IndexRow row)
        {
            EntryFormat.Write(_body, _packs, row.Entry, _before);
            _body.Byte((byte)((row.Settled ? SettledFlag : 0) | (row.Sqlite ? SqliteFlag : 0) | (row.Log == default ? 0 : LogFlag)));
            WriteIdentity(row.Identity);
            if (row.Log != default)
            {
                WriteIdentity(row.Log);
            }

            _before = row.Entry.Path;
            _rows++;
            if (++_inChunk == RowsOfChunk)
            {
                CloseChunk();
            }
        }

        /// <summary>Puts the index in the place of the one before.</summary>
        public LocalIndex Finish(string subject, long pageSeed)
        {
            CloseChunk();
            var header = new byte[HeaderLength];
            Magic.CopyTo(header);
            PackId.Parse(subject).Write(header.AsSpan(Magic.Length));
            BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(RowsAt), _rows);
            BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(SeedAt), pageSeed);
            ThisBoot.TryWriteBytes(header.AsSpan(BootAt));
            BinaryPrimitives.WriteUInt64LittleEndian(header.AsSpan(HashAt), XxHash3.HashToUInt64(header.AsSpan(0, HashAt)));
            _stream.Flush();
            _stream.Position = 0;
            _stream.Write(header);
            _stream.Dispose();
            System.IO.File.Move(_temporary, _file, overwrite: true);
            return new LocalIndex(_file, subject, _rows, pageSeed, ThisBoot);
        }

        public void Dispose()
        {
            _stream.Dispose();
            System.IO.File.Delete(_temporary);
        }

        private void WriteIdentity(FileIdentity identity)
        {
            _body.Fixed(identity.Size);
            _body.Fixed(identity.ModifiedNs);
            _body.Fixed(identity.ChangedNs);
            _body.Fixed((long)identity.Inode);
        }

        private void CloseChunk()
        {
            if (_inChunk == 0)
            {
                return;
            }

            _chunk.Clear();
            _packs.Write(_chunk);
            _chunk.Number(_inChunk);
            _chunk.Raw(_body.Written);
            Span<byte> head = stackalloc byte[ChunkHead];
            BinaryPrimitives.WriteInt32LittleEndian(head, _chunk.Length);
            BinaryPrimitives.WriteUInt64LittleEndian(head[sizeof(int)..], XxHash3.HashToUInt64(_chunk.Written));
            _stream.Write(head);
            _stream.Write(_chunk.Written);
            _packs.Clear();
            _body.Clear();
            _before = string.Empty;
            _inChunk = 0;
        }
    }
}
