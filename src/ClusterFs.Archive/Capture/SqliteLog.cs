using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;

namespace ClusterFs.Archive.Capture;

/// <summary>The committed pages of an SQLite write-ahead log (https://sqlite.org/fileformat2.html#the_write_ahead_log).</summary>
/// <param name="PageSize">Of the database, in bytes.</param>
/// <param name="Pages">How many the database has as of the last commit.</param>
/// <param name="Places">Where in the log each page lies that the log has, as of the last commit: page number, from 1, to offset.</param>
internal sealed record SqliteLog(int PageSize, uint Pages, SortedDictionary<uint, long> Places)
{
    private const int HeaderLength = 32;
    private const int FrameHeaderLength = 24;
    private const uint Magic = 0x377F0682;
    private const int MaxPageSize = 65536;

    private readonly byte[] _header = [];

    private SqliteLog(SqliteLog found, ReadOnlySpan<byte> header)
        : this(found) => _header = header.ToArray();

    /// <summary>
    /// Reads a log up to its last commit. The caller holds a read transaction, so what it may see is neither overwritten nor moved to the
    /// database; only a log that holds nothing any more which is not in the database may be begun anew, and then it is read again.
    /// </summary>
    /// <returns>Null when the log holds no commit.</returns>
    public static SqliteLog? Read(SafeFileHandle log)
    {
        Span<byte> header = stackalloc byte[HeaderLength];
        Span<byte> after = stackalloc byte[HeaderLength];
        while (true)
        {
            if (!TryRead(log, 0, header))
            {
                return null;
            }

            var found = ReadFrames(log, header);
            if (TryRead(log, 0, after) && after.SequenceEqual(header))
            {
                return found is null ? null : new SqliteLog(found, header);
            }
        }
    }

    /// <summary>Whether the log is still the one that was scanned. SQLite writes the header before all else of one that it begins anew.</summary>
    public bool IsIn(SafeFileHandle log)
    {
        Span<byte> header = stackalloc byte[HeaderLength];
        return TryRead(log, 0, header) && header.SequenceEqual(_header);
    }

    private static SqliteLog? ReadFrames(SafeFileHandle log, ReadOnlySpan<byte> header)
    {
        var magic = BinaryPrimitives.ReadUInt32BigEndian(header);
        var pageSize = BinaryPrimitives.ReadUInt32BigEndian(header[8..]);
        if ((magic & ~1u) != Magic || pageSize is < 512 or > MaxPageSize || (pageSize & (pageSize - 1)) != 0)
        {
            return null;
        }

        var big = (magic & 1) != 0;
        var sum = Sum(header[..24], (0, 0), big);
        if (!IsSum(header[24..], sum))
        {
            return null;
        }

        var frame = new byte[FrameHeaderLength + (int)pageSize];
        var committed = new SortedDictionary<uint, long>();
        var open = new List<(uint Page, long Offset)>();
        var pages = 0u;
        for (long at = HeaderLength; TryRead(log, at, frame); at += frame.Length)
        {
            var page = BinaryPrimitives.ReadUInt32BigEndian(frame);
            sum = Sum(frame.AsSpan(FrameHeaderLength), Sum(frame.AsSpan(0, 8), sum, big), big);
            if (page == 0 || !frame.AsSpan(8, 8).SequenceEqual(header[16..24]) || !IsSum(frame.AsSpan(16), sum))
            {
                break;
            }

            open.Add((page, at + FrameHeaderLength));
            if (BinaryPrimitives.ReadUInt32BigEndian(frame.AsSpan(4)) is var size and > 0)
            {
                pages = size;
                open.ForEach(one => committed[one.Page] = one.Offset);
                open.Clear();
            }
        }

        return pages == 0 ? null : new SqliteLog((int)pageSize, pages, committed);
    }

    private static bool IsSum(ReadOnlySpan<byte> stored, (uint One, uint Other) sum) =>
        BinaryPrimitives.ReadUInt32BigEndian(stored) == sum.One && BinaryPrimitives.ReadUInt32BigEndian(stored[4..]) == sum.Other;

    private static (uint One, uint Other) Sum(ReadOnlySpan<byte> bytes, (uint One, uint Other) sum, bool big)
    {
        var (one, other) = sum;
        for (; bytes.Length >= 8; bytes = bytes[8..])
        {
            var first = big ? BinaryPrimitives.ReadUInt32BigEndian(bytes) : BinaryPrimitives.ReadUInt32LittleEndian(bytes);
            var second = big ? BinaryPrimitives.ReadUInt32BigEndian(bytes[4..]) : BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]);
            one = unchecked(one + first + other);
            other = unchecked(other + second + one);
        }

        return (one, other);
    }

    /// <returns>False at the end of the file.</returns>
    public static bool TryRead(SafeFileHandle file, long offset, Span<byte> target)
    {
        var done = 0;
        while (done < target.Length)
        {
            var read = RandomAccess.Read(file, target[done..], offset + done);
            if (read == 0)
            {
                return false;
            }

            done += read;
        }

        return true;
    }
}
