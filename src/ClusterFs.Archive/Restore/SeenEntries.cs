using System.Runtime.InteropServices;
using ClusterFs.Archive.Capture;

namespace ClusterFs.Archive.Restore;

/// <summary>
/// What was seen of the tree at each entry of a manifest, in its order. On the disk, because there is one for every file where no index tells of them;
/// what the plan changes, which is limited, in memory. Where the disk takes no more, nothing is known of any entry. Used by one thread.
/// </summary>
/// <param name="file">Made, and deleted at once: nothing of it is left when the process ends.</param>
internal sealed class SeenEntries(string file) : IDisposable
{
    private const int BufferLength = 1 << 16;
    private const byte InIndex = 1;
    private const byte NotThere = 2;
    private const byte There = 3;

    private static readonly int MostOfEntry = 1 + Marshal.SizeOf<FileIdentity>();

    private readonly Dictionary<string, FileIdentity?> _changed = new(StringComparer.Ordinal);
    private readonly byte[] _buffer = new byte[BufferLength];
    private FileStream? _file;
    private int _filled;
    private long _written;
    private bool _isGivenUp;

    /// <summary>The next entry has the identity that the index tells of.</summary>
    public void AddKnown() => Add(InIndex, default);

    /// <summary>The index does not tell of the next entry.</summary>
    /// <param name="identity">All zero where it might not tell of a later change; null where there is nothing.</param>
    public void Add(FileIdentity? identity) => Add(identity is null ? NotThere : There, identity ?? default);

    /// <summary>An entry will not be, or is no more, what was seen of it.</summary>
    /// <param name="identity">What it is now; all zero where another process may have come to it, null where only this one has.</param>
    public void Change(string path, FileIdentity? identity) => _changed[path] = identity;

    /// <summary>Once all are added: walks through them again.</summary>
    public Walk Again() => new(this);

    public void Dispose() => _file?.Dispose();

    private void Add(byte kind, FileIdentity identity)
    {
        if (_buffer.Length - _filled < MostOfEntry && !_isGivenUp)
        {
            Write();
        }

        if (_isGivenUp)
        {
            return;
        }

        _buffer[_filled++] = kind;
        if (kind == There)
        {
            MemoryMarshal.Write(_buffer.AsSpan(_filled), identity);
            _filled += MostOfEntry - 1;
        }
    }

    /// <summary>It only saves the next dump some reading: where there is too little room, the change itself is to have it.</summary>
    private void Write()
    {
        try
        {
            _file ??= Open();
            RandomAccess.Write(_file.SafeFileHandle, _buffer.AsSpan(0, _filled), _written);
            _written += _filled;
            _filled = 0;
        }
        catch (Exception error) when (error is UnauthorizedAccessException or IOException)
        {
            _isGivenUp = true;
            _file?.Dispose();
        }
    }

    private FileStream Open()
    {
        var opened = new FileStream(file, new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.ReadWrite,
            BufferSize = 0,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        });
        File.Delete(file);
        return opened;
    }

    public sealed class Walk(SeenEntries seen)
    {
        private readonly byte[] _read = new byte[BufferLength];
        private long _next;
        private int _length;
        private int _at;

        /// <param name="path">Of the next entry.</param>
        /// <param name="identity">What it was when it was known to be right; all zero where that is not known, null where only this process has come to it.</param>
        /// <returns>Whether what the index tells of it holds; <paramref name="identity"/> is null then.</returns>
        /// <exception cref="IOException">The disk does not give back what was written, or there is no such entry.</exception>
        public bool IsKnown(string path, out FileIdentity? identity)
        {
            var (kind, there) = seen._isGivenUp ? (There, default) : Next(path);
            var isChanged = seen._changed.TryGetValue(path, out var now);
            identity = isChanged ? now : kind == There ? there : null;
            return kind == InIndex && !isChanged;
        }

        private (byte Kind, FileIdentity Identity) Next(string path)
        {
            if (_length - _at < MostOfEntry)
            {
                Read();
            }

            var kind = _at < _length ? _read[_at++] : default;
            if (kind == There && _length - _at >= MostOfEntry - 1)
            {
                var identity = MemoryMarshal.Read<FileIdentity>(_read.AsSpan(_at));
                _at += MostOfEntry - 1;
                return (kind, identity);
            }

            return kind is InIndex or NotThere ? (kind, default) : throw new IOException($"what was seen of {path} is not there any more.");
        }

        /// <summary>What is left moves to the front, and what follows, on the disk and then in memory, comes behind it.</summary>
        private void Read()
        {
            _read.AsSpan(_at, _length - _at).CopyTo(_read);
            (_length, _at) = (_length - _at, 0);
            while (_length < _read.Length && _next < seen._written + seen._filled)
            {
                var room = _read.AsSpan(_length);
                var more = _next < seen._written
                    ? RandomAccess.Read(seen._file!.SafeFileHandle, room[..(int)Math.Min(room.Length, seen._written - _next)], _next)
                    : Copy(room);
                if (more == 0)
                {
                    break;
                }

                (_length, _next) = (_length + more, _next + more);
            }
        }

        private int Copy(Span<byte> room)
        {
            var left = seen._buffer.AsSpan((int)(_next - seen._written), (int)(seen._written + seen._filled - _next));
            var some = left[..Math.Min(room.Length, left.Length)];
            some.CopyTo(room);
            return some.Length;
        }
    }
}
