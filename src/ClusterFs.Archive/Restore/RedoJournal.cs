using System.Buffers.Binary;
using System.Security.Cryptography;
using ClusterFs.Archive.Manifests;
using ClusterFs.Archive.Packs;
using ClusterFs.Posix;

namespace ClusterFs.Archive.Restore;

/// <summary>
/// Pages that turn files of the content to be replaced into those of the new one, and the attributes that they have then. It is whole and durable before
/// the first of these files is touched. From then on it is carried out as often as it takes, which needs neither the archive nor room on the disk.
/// </summary>
/// <param name="file">Made with the first entry.</param>
internal sealed class RedoJournal(string file) : IDisposable
{
    /// <summary>Of a file with more to change than this part, a copy costs less: all of the journal is written twice.</summary>
    private const int MostOfFile = 4;

    private const int BufferSize = 1 << 16;

    /// <summary>So many bytes are handed to the disk while the next come, so that the sync which has to follow waits for less.</summary>
    private const long HandedOver = 4L << 20;

    private const byte FileRecord = 1;
    private const byte PageRecord = 2;
    private const int PageHead = 1 + sizeof(long) + sizeof(int);

    private FileStream? _stream;
    private long _start;
    private long _handedOver;

    private static ReadOnlySpan<byte> Header => "ClusterFs redo 1"u8;

    /// <summary>Of all of it, once it is finished; null when nothing is to be done.</summary>
    public Digest? Digest { get; private set; }

    /// <summary>Begins with a file of the new tree, which is to be a second name of one in the old tree.</summary>
    public void Begin(ManifestEntry entry)
    {
        if (_stream is null)
        {
            _stream = TreeRestorer.Create(file, BufferSize);
            _stream.Write(Header);
        }

        _start = _stream.Position;
        var bytes = new ByteWriter();
        bytes.Text(entry.Path);
        bytes.Number(entry.Content!.Size);
        bytes.Number(entry.Mode);
        bytes.Number(entry.User);
        bytes.Number(entry.Group);
        bytes.Fixed(entry.ModifiedNs);
        bytes.Bytes(entry.Attributes is { } attributes ? attributes.Stored : []);
        Span<byte> head = stackalloc byte[1 + sizeof(int)];
        head[0] = FileRecord;
        BinaryPrimitives.WriteInt32LittleEndian(head[1..], bytes.Length);
        _stream.Write(head);
        _stream.Write(bytes.Written);
    }

    /// <summary>Adds bytes of the file begun last.</summary>
    public void Write(long offset, ReadOnlySpan<byte> bytes)
    {
        Span<byte> head = stackalloc byte[PageHead];
        head[0] = PageRecord;
        BinaryPrimitives.WriteInt64LittleEndian(head[1..], offset);
        BinaryPrimitives.WriteInt32LittleEndian(head[(1 + sizeof(long))..], bytes.Length);
        _stream!.Write(head);
        _stream.Write(bytes);
        if (_stream.Position - _handedOver >= HandedOver)
        {
            Durable.BeginSync(_stream.SafeFileHandle, _handedOver, _stream.Position - _handedOver);
            _handedOver = _stream.Position;
        }
    }

    /// <summary>Whether so much of the file begun last is to be changed that it had better be copied.</summary>
    public bool IsTooMuch(FileContent content) => _stream!.Position - _start > content.Size / MostOfFile;

    /// <summary>Takes back the file begun last.</summary>
    public void Abandon()
    {
        _stream!.SetLength(_start);
        _handedOver = Math.Min(_handedOver, _start);
    }

    /// <summary>Nothing is added any more. To be synced by the caller.</summary>
    public void Finish()
    {
        if (_stream is null || _stream.Position == Header.Length)
        {
            return;
        }

        _stream.Position = 0;
        Digest = Packs.Digest.Read(SHA256.HashData(_stream));
    }

    public void Dispose() => _stream?.Dispose();

    /// <summary>Does what a journal says, durably.</summary>
    /// <param name="digest">Of all of it.</param>
    /// <param name="root">The new tree. Nobody else writes it.</param>
    /// <returns>False when it is not what was written; then nothing was done.</returns>
    public static bool TryApply(string file, string digest, string root)
    {
        if (!File.Exists(file))
        {
            return false;
        }

        using var journal = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.Read, BufferSize);
        if (Packs.Digest.Read(SHA256.HashData(journal)).ToString() != digest)
        {
            return false;
        }

        journal.Position = Header.Length;
        using var disk = FileSystemSync.Before(root);
        var next = journal.ReadByte();
        while (next == FileRecord)
        {
            next = Apply(journal, root);
        }

        disk.Complete();
        return true;
    }

    /// <returns>The first byte of the next file's record; -1 at the end.</returns>
    private static int Apply(FileStream journal, string root)
    {
        var (entry, size) = ReadFile(journal);
        var path = Path.Combine(root, entry.Path);
        if (!Processes.IsRoot)
        {
            // It may have its new mode already.
            FileAttribution.SetMode(path, TreeRestorer.PrivateFile);
        }

        int next;
        using (var target = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite))
        {
            var buffer = new byte[PageMap.LeafSize];
            Span<byte> head = stackalloc byte[PageHead - 1];
            var written = 0L;
            while ((next = journal.ReadByte()) == PageRecord)
            {
                journal.ReadExactly(head);
                var bytes = buffer.AsSpan(0, BinaryPrimitives.ReadInt32LittleEndian(head[sizeof(long)..]));
                journal.ReadExactly(bytes);
                RandomAccess.Write(target, bytes, BinaryPrimitives.ReadInt64LittleEndian(head));
                written += bytes.Length;
                if (written >= HandedOver)
                {
                    Durable.BeginSync(target, 0, 0);
                    written = 0;
                }
            }

            RandomAccess.SetLength(target, size);
        }

        // The old file's are taken away too.
        TreeRestorer.SetAttributes(path, entry.Attributes?.Attributes ?? []);
        TreeRestorer.Attribute(entry, root);
        return next;
    }

    private static (ManifestEntry Entry, long Size) ReadFile(FileStream journal)
    {
        Span<byte> length = stackalloc byte[sizeof(int)];
        journal.ReadExactly(length);
        var bytes = new byte[BinaryPrimitives.ReadInt32LittleEndian(length)];
        journal.ReadExactly(bytes);
        var reader = new ByteReader(bytes);
        var path = reader.Text();
        var size = reader.Long();
        var entry = new ManifestEntry(path, FileKind.File, reader.Word(), reader.Word(), reader.Word(), reader.Fixed())
        {
            Attributes = AttributeList.Read(reader.Bytes()),
        };
        return (entry, size);
    }
}
