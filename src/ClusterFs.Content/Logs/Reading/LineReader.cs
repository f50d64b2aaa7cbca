using System.IO.Compression;
using Microsoft.Win32.SafeHandles;

namespace ClusterFs.Content.Logs.Reading;

/// <summary>
/// The lines of a part of a file, or of a compressed file, one after another, in a buffer that does not grow: of a line that is longer, piece by
/// piece. Not safe for several threads.
/// </summary>
internal sealed class LineReader : IDisposable
{
    private readonly SafeFileHandle _file;
    private readonly GZipStream? _unpacked;
    private readonly long _to;
    private byte[] _buffer;
    private long _at;
    private int _start;
    private int _scanned;
    private int _end;
    private int _length;
    private bool _isAtEnd;
    private bool _isInLine;

    /// <param name="buffer">To be used by nobody else until this is disposed.</param>
    /// <param name="from">The first byte; of a compressed file, 0.</param>
    /// <param name="to">The byte after the last; of a compressed file, its size.</param>
    public LineReader(SafeFileHandle file, byte[] buffer, long from, long to, bool isCompressed = false)
    {
        (_file, _buffer, _at, _to) = (file, buffer, from, to);
        NextAt = from;
        _unpacked = isCompressed ? new GZipStream(new BoundedStream(this), CompressionMode.Decompress) : null;
    }

    /// <summary>The line, with what ends it. Good until the next one is read.</summary>
    public ReadOnlySpan<byte> Line => _buffer.AsSpan(_start, _length);

    /// <summary>False for what goes on a line whose beginning was returned before.</summary>
    public bool IsBeginning { get; private set; }

    /// <summary>Where the line is in the file, in bytes; of a compressed one, in what was unpacked.</summary>
    public long LineAt { get; private set; }

    /// <summary>The byte after the line.</summary>
    public long NextAt { get; private set; }

    /// <summary>Reads the next line.</summary>
    /// <returns>False at the end.</returns>
    /// <exception cref="InvalidDataException">A compressed file is damaged from here on.</exception>
    public bool TryRead()
    {
        _start += _length;
        _length = 0;
        _scanned = _start;
        while (true)
        {
            var found = _buffer.AsSpan(_scanned, _end - _scanned).IndexOf((byte)'\n');
            if (found >= 0)
            {
                return Take(_scanned + found + 1 - _start, ends: true);
            }

            _scanned = _end;
            if (_isAtEnd)
            {
                return _end > _start && Take(_end - _start, ends: true);
            }

            if (_start > 0)
            {
                _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
                (_scanned, _end, _start) = (_scanned - _start, _end - _start, 0);
            }

            if (_end == _buffer.Length)
            {
                return Take(_end, ends: false);
            }

            Fill();
        }
    }

    public void Dispose()
    {
        _unpacked?.Dispose();
        _buffer = [];
    }

    private bool Take(int length, bool ends)
    {
        _length = length;
        LineAt = NextAt;
        NextAt += length;
        IsBeginning = !_isInLine;
        _isInLine = !ends;
        return true;
    }

    private void Fill()
    {
        var room = _buffer.AsSpan(_end);
        var read = _unpacked is null ? ReadPart(room) : _unpacked.Read(room);
        _end += read;
        _isAtEnd = read == 0;
    }

    private int ReadPart(Span<byte> room)
    {
        if (_at >= _to)
        {
            return 0;
        }

        var read = RandomAccess.Read(_file, room[..(int)Math.Min(room.Length, _to - _at)], _at);
        _at += read;
        return read;
    }

    /// <summary>The bytes of the file as what unpacks them wants them.</summary>
    private sealed class BoundedStream(LineReader reader) : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override int Read(Span<byte> buffer) => reader.ReadPart(buffer);

        public override int Read(byte[] buffer, int offset, int count) => reader.ReadPart(buffer.AsSpan(offset, count));

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
