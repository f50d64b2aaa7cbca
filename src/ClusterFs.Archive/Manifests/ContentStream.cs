using System.Security.Cryptography;
using ClusterFs.Archive.Packs;

namespace ClusterFs.Archive.Manifests;

/// <summary>
/// The bytes of a file, forwards only. The last bytes are handed out only if the digest of all is right, so a reader that got the whole length
/// got what was stored.
/// </summary>
internal sealed class ContentStream : Stream
{
    private readonly PackReader _reader;
    private readonly FileContent _content;
    private readonly string _what;
    private readonly long _seed;
    private readonly PageMapReader? _map;
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly UInt128[] _hashes;
    private byte[] _buffer = [];
    private int _start;
    private int _end;
    private long _read;
    private long _position;

    public ContentStream(PackReader reader, FileContent content, long seed, string what)
    {
        _reader = reader;
        _content = content;
        _what = what;
        _seed = seed;
        _map = content.Paged ? new PageMapReader(reader, content, what) : null;
        _hashes = content.Paged ? new UInt128[PageMap.LeafPages] : [];
        if (content.Size == 0)
        {
            RequireDigest();
        }
    }

    public override bool CanRead => true;

    /// <summary>True, because writers of tar files ask for the length of what can be sought only; seeking itself is refused.</summary>
    public override bool CanSeek => true;

    public override bool CanWrite => false;

    public override long Length => _content.Size;

    public override long Position
    {
        get => _position;
        set => Seek(value, SeekOrigin.Begin);
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override int Read(Span<byte> buffer)
    {
        if (_start == _end && !Fill())
        {
            return 0;
        }

        var count = Math.Min(buffer.Length, _end - _start);
        _buffer.AsSpan(_start, count).CopyTo(buffer);
        _start += count;
        _position += count;
        return count;
    }

    /// <summary>Reads and checks the rest.</summary>
    public void ReadToEnd(CancellationToken cancellation)
    {
        while (_start < _end || Fill())
        {
            cancellation.ThrowIfCancellationRequested();
            _position += _end - _start;
            _start = _end;
        }
    }

    public override long Seek(long offset, SeekOrigin origin) =>
        origin == SeekOrigin.Begin && offset == _position ? _position : throw new NotSupportedException("The content can be read forwards only.");

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Flush()
    {
    }

    protected override void Dispose(bool disposing)
    {
        _hash.Dispose();
        base.Dispose(disposing);
    }

    private bool Fill()
    {
        if (_read == _content.Size)
        {
            return false;
        }

        if (_map is null)
        {
            _buffer = _reader.Read(_content.Root!.Value, _what);
            _end = _buffer.Length;
            _hash.AppendData(_buffer);
        }
        else
        {
            FillFromMap(_map);
        }

        _start = 0;
        _read += _end;
        if (_read == _content.Size)
        {
            RequireDigest();
        }

        return true;
    }

    private void FillFromMap(PageMapReader map)
    {
        if (_buffer.Length == 0)
        {
            _buffer = new byte[PageMap.LeafSize];
        }

        var places = map.Leaf(_read / PageMap.LeafSize);
        _end = (int)Math.Min(PageMap.LeafSize, _content.Size - _read);
        map.Read(places, _buffer.AsSpan(0, _end));
        var hashes = _hashes.AsSpan(0, places.Length);
        PageHash.Of(_buffer.AsSpan(0, _end), _seed, hashes);
        _hash.AppendData(PageHash.Bytes(hashes));
    }

    private void RequireDigest()
    {
        if (Digest.Take(_hash) != _content.Digest)
        {
            throw new DamagedArchiveException(
                _content.Root is { } root ? _reader.FileOf(root.Pack) : _what, $"the SHA-256 of {_what} does not match");
        }
    }
}
