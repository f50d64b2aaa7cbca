using ClusterFs.Content.Logs.Stamps;
using Microsoft.Win32.SafeHandles;

namespace ClusterFs.Content.Logs.Reading;

/// <summary>Finds a time in a file without reading it: by halving, as long as its lines are in the order of their stamps.</summary>
internal static class StampSearch
{
    /// <summary>What is read through from end to end.</summary>
    private const int Stretch = 64 * 1024;

    /// <summary>Where the first line is whose stamp is not before a time.</summary>
    /// <param name="from">The beginning of a line.</param>
    /// <param name="to">The byte after the last.</param>
    /// <returns><paramref name="to"/> when there is none.</returns>
    public static long FirstNotBefore(SafeFileHandle file, long from, long to, long ticks, StampReader stamps)
    {
        var buffer = new byte[Stretch];

        // Every stamp before low is before the time; the first stamp from high on is not, or there is none.
        var (low, high) = (from, to);
        while (high - low > Stretch)
        {
            var middle = low + ((high - low) / 2);
            if (FirstStamp(file, buffer, middle, high, stamps) is { } found && found.Ticks < ticks)
            {
                low = found.Next;
            }
            else
            {
                high = middle;
            }
        }

        using var lines = new LineReader(file, buffer, low > 0 ? low - 1 : 0, to);
        for (var skip = low > 0; lines.TryRead(); skip = false)
        {
            if (!skip && lines.IsBeginning && stamps.TryRead(lines.Line, out var found) && found >= ticks)
            {
                return lines.LineAt;
            }
        }

        return to;
    }

    /// <summary>The first stamp of a file; null where there is none so near to its beginning as what is read at once.</summary>
    /// <param name="isCompressed">The file is of gzip.</param>
    /// <exception cref="InvalidDataException">It is not, or is damaged.</exception>
    public static long? FirstStamp(SafeFileHandle file, long to, bool isCompressed, StampReader stamps)
    {
        using var lines = new LineReader(file, new byte[Stretch], 0, to, isCompressed);
        while (lines.TryRead() && lines.LineAt < Stretch)
        {
            if (lines.IsBeginning && stamps.TryRead(lines.Line, out var ticks))
            {
                return ticks;
            }
        }

        return null;
    }

    /// <summary>The first stamped line that begins at or after a byte, and before another.</summary>
    private static (long Ticks, long Next)? FirstStamp(SafeFileHandle file, byte[] buffer, long from, long to, StampReader stamps)
    {
        // From the byte before: whether a line begins here is said by what ends the one before.
        var skip = from > 0;
        using var lines = new LineReader(file, buffer, skip ? from - 1 : from, to);
        while (lines.TryRead())
        {
            if (!skip && lines.IsBeginning && stamps.TryRead(lines.Line, out var ticks))
            {
                return (ticks, lines.NextAt);
            }

            // Of a line longer than the buffer all pieces are skipped: the next one is no beginning.
            skip = false;
        }

        return null;
    }
}
