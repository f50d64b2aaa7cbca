using ClusterFs.Archive.Capture;
using ClusterFs.Archive.Manifests;
using ClusterFs.Posix;
using Microsoft.Win32.SafeHandles;

namespace ClusterFs.Archive.Restore;

/// <summary>Copies files of this node so that large ones displace nothing in the kernel's cache. By several threads: for local disks, which do not hang.</summary>
internal static class UncachedCopy
{
    /// <summary>Fills an empty file as <see cref="FileCopy.Whole"/> does; a large one is written past the cache, with the holes of the other.</summary>
    public static void Whole(SafeFileHandle from, SafeFileHandle to, long length, CancellationToken cancellation)
    {
        if (length < StagedFile.UncachedFrom)
        {
            FileCopy.Whole(from, to, length, cancellation);
        }
        else if (!FileClone.TryShare(from, to))
        {
            Copy(from, to, length, cancellation);
        }
    }

    private static void Copy(SafeFileHandle from, SafeFileHandle to, long length, CancellationToken cancellation)
    {
        using var staged = new StagedFile(to, length);
        using var stale = new StaleFile(from);
        var data = DataOf(from, length, cancellation);
        using (var ahead = new LeafAhead(length, most: StagedFile.MostLeaves))
        {
            Action<Leaf> Prepare(long leaf)
            {
                if (leaf % LeafPlans.Ahead == 0)
                {
                    Reserve(staged, data, leaf * PageMap.LeafSize, (leaf + LeafPlans.Ahead) * PageMap.LeafSize);
                }

                return free => Copy(free, data, stale, staged);
            }

            while (ahead.Next(Prepare) is not null)
            {
                cancellation.ThrowIfCancellationRequested();
            }
        }

        staged.Complete();
    }

    private static void Reserve(StagedFile staged, List<ByteRange> data, long start, long end)
    {
        for (var next = FirstEndingAfter(data, start); next < data.Count && data[next].Start < end; next++)
        {
            var from = Math.Max(data[next].Start, start);
            staged.Reserve(from, Math.Min(data[next].End, end) - from);
        }
    }

    private static void Copy(Leaf leaf, List<ByteRange> data, StaleFile stale, StagedFile staged)
    {
        var start = leaf.Number * PageMap.LeafSize;
        var pages = leaf.WholePages;
        for (var next = FirstEndingAfter(data, start); next < data.Count && data[next].Start < start + pages.Length; next++)
        {
            var from = Math.Max(data[next].Start, start);
            var run = pages[(int)(from - start)..(int)Math.Min(pages.Length, data[next].End - start)];
            stale.Read(from, run);
            staged.Write(run, from);
        }
    }

    private static int FirstEndingAfter(List<ByteRange> ranges, long offset)
    {
        var found = ranges.BinarySearch(new ByteRange(0, offset), Comparer<ByteRange>.Create((one, other) => one.End.CompareTo(other.End)));
        return found < 0 ? ~found : found + 1;
    }

    /// <summary>Where a file has data, in whole pages: in order, apart.</summary>
    private static List<ByteRange> DataOf(SafeFileHandle file, long length, CancellationToken cancellation)
    {
        var found = new List<ByteRange>();
        for (var at = 0L; SparseFile.NextData(file, at) is { } data && data < length;)
        {
            cancellation.ThrowIfCancellationRequested();
            at = SparseFile.NextHole(file, data) ?? length;
            var range = new ByteRange(
                data / PageMap.PageSize * PageMap.PageSize, (Math.Min(at, length) + PageMap.PageSize - 1) / PageMap.PageSize * PageMap.PageSize);
            if (found.Count > 0 && found[^1].End >= range.Start)
            {
                found[^1] = found[^1] with { End = range.End };
            }
            else
            {
                found.Add(range);
            }
        }

        return found;
    }
}
