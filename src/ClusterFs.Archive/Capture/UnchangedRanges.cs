using ClusterFs.Archive.Manifests;
using ClusterFs.Posix;

namespace ClusterFs.Archive.Capture;

/// <summary>A range of bytes.</summary>
/// <param name="End">The first byte after it.</param>
internal readonly record struct ByteRange(long Start, long End);

/// <summary>The ranges of a file that are known, without reading them, to be as they were. Immutable.</summary>
internal sealed class UnchangedRanges
{
    private readonly List<ByteRange> _ranges;

    private UnchangedRanges(List<ByteRange> ranges) => _ranges = ranges;

    /// <summary>
    /// Compares where two files lie. Both are kept while that is found out and until this is used no more, so that no block of theirs is written
    /// again; a range that lies at one place in both, or is a hole in both, has the same bytes.
    /// </summary>
    /// <param name="before">In order, and so are those of <paramref name="now"/>.</param>
    /// <param name="limit">Where what may be the same ends; see <see cref="LimitOf"/>.</param>
    /// <param name="elsewhere">What the content did not have, or does not have, from the files: in order, apart.</param>
    public static UnchangedRanges Between(
        IReadOnlyList<FileExtent> before, IReadOnlyList<FileExtent> now, long limit, IReadOnlyList<ByteRange> elsewhere)
    {
        var found = new List<ByteRange>();
        var (a, b, skip) = (0, 0, 0);
        for (var at = 0L; at < limit;)
        {
            var was = PlaceAt(before, ref a, at);
            var next = PlaceAt(now, ref b, at);
            var end = Math.Min(limit, Math.Min(was.End, next.End));
            while (skip < elsewhere.Count && elsewhere[skip].End <= at)
            {
                skip++;
            }

            var known = true;
            if (skip < elsewhere.Count)
            {
                known = elsewhere[skip].Start > at;
                end = Math.Min(end, known ? elsewhere[skip].Start : elsewhere[skip].End);
            }

            if (known && was.Place is { } place && place == next.Place)
            {
                Add(found, at, end);
            }

            at = end;
        }

        return new UnchangedRanges(found);
    }

    /// <summary>
    /// Up to where a page can be the same: to the end, where all is of one length; else to the last page that is whole in both. What follows the end of
    /// a file in its last block belongs to no content.
    /// </summary>
    public static long LimitOf(long sizeBefore, long sizeNow, long fileBefore, long fileNow)
    {
        var shortest = Math.Min(Math.Min(sizeBefore, sizeNow), Math.Min(fileBefore, fileNow));
        return sizeBefore == sizeNow && shortest == sizeNow ? shortest : shortest / PageMap.PageSize * PageMap.PageSize;
    }

    /// <summary>The ranges that either of two lists has; each in order.</summary>
    public static List<ByteRange> Both(IReadOnlyList<ByteRange> one, IReadOnlyList<ByteRange> other)
    {
        var found = new List<ByteRange>();
        foreach (var range in one.Concat(other).OrderBy(range => range.Start))
        {
            if (found.Count > 0 && found[^1].End >= range.Start)
            {
                found[^1] = found[^1] with { End = Math.Max(found[^1].End, range.End) };
            }
            else
            {
                found.Add(range);
            }
        }

        return found;
    }

    /// <summary>What of a range is not known to be as it was. Safe for use by several threads.</summary>
    public List<ByteRange> NotIn(long start, long end)
    {
        var found = new List<ByteRange>();
        for (var next = FirstEndingAfter(start); start < end; next++)
        {
            var known = next < _ranges.Count ? _ranges[next] : new ByteRange(end, end);
            if (known.Start > start)
            {
                found.Add(new ByteRange(start, Math.Min(end, known.Start)));
            }

            start = Math.Max(start, known.End);
        }

        return found;
    }

    private int FirstEndingAfter(long start)
    {
        var (low, high) = (0, _ranges.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (_ranges[middle].End <= start)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }

    private static void Add(List<ByteRange> ranges, long start, long end)
    {
        if (ranges.Count > 0 && ranges[^1].End == start)
        {
            ranges[^1] = ranges[^1] with { End = end };
        }
        else
        {
            ranges.Add(new ByteRange(start, end));
        }
    }

    /// <summary>Where a byte lies, and where that ceases to be so.</summary>
    private static (Placed? Place, long End) PlaceAt(IReadOnlyList<FileExtent> extents, ref int index, long at)
    {
        while (index < extents.Count && extents[index].End <= at)
        {
            index++;
        }

        if (index == extents.Count)
        {
            return (Placed.Hole, long.MaxValue);
        }

        var extent = extents[index];
        return extent.Logical > at
            ? (Placed.Hole, extent.Logical)
            : (extent.IsPlaced ? new Placed(extent.Physical + (at - extent.Logical)) : null, extent.End);
    }

    /// <param name="Physical">Below 0 for a hole.</param>
    private readonly record struct Placed(long Physical)
    {
        public static readonly Placed Hole = new(-1);
    }
}
