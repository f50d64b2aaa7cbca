using System.Security.Cryptography;

namespace ClusterFs.Archive.Packs;

/// <summary>
/// The bytes of a file out of its extents, forwards only. The last bytes are handed out only if the SHA-256 of all is right, so a reader
/// that got the whole length got what was stored.
/// </summary>
internal sealed class ContentStream(PackReader reader, FileContent content, string what) : Stream
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private byte[] _buffer = [];
    private int _next;
    private int _start;
    private int _end;
    private long _position;

    public override bool CanRead => true;

    /// <summary>True, because writers of tar files ask for the length of what can be sought only; seeking itself is refused.</summary>
    public override bool CanSeek => true;

    public override bool CanWrite => false;

    public override long Length => content.Size;

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
        if (_next == content.Extents.Count)
        {
            if (content.Size == 0 && _next == 0)
            {
                RequireHash();
            }

            return false;
        }

        var extent = content.Extents[_next++];
        if (_buffer.Length < extent.Size)
        {
            _buffer = new byte[extent.Size];
        }

        reader.Read(extent, _buffer.AsSpan(0, extent.Size), what);
        _hash.AppendData(_buffer, 0, extent.Size);
        _start = 0;
        _end = extent.Size;
        if (_next == content.Extents.Count)
        {
            RequireHash();
        }

        return true;
    }

    private void RequireHash()
    {
        if (Convert.ToHexStringLower(_hash.GetCurrentHash()) != content.Sha256)
        {
            var file = content.Extents.Count > 0 ? reader.FileOf(content.Extents[^1].Pack) : what;
            throw new DamagedArchiveException(file, $"the SHA-256 of {what} does not match");
        }
    }
}
