using ClusterFs.Archive.Capture;
using ClusterFs.Archive.Manifests;
using ClusterFs.Posix;
using Microsoft.Win32.SafeHandles;

namespace ClusterFs.Archive.Restore;

/// <summary>Copies bytes between files of this node, inside the kernel where it can.</summary>
internal static class FileCopy
{
    private const int Piece = 16 << 20;

    public static SafeFileHandle Open(string path) => File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);

    /// <summary>
    /// Fills an empty file with the first bytes of another. Blocks are shared where the file system can; then it gets all of them. Large files are
    /// written past the cache, with their holes.
    /// </summary>
    public static void Whole(SafeFileHandle from, SafeFileHandle to, long length, CancellationToken cancellation)
    {
        if (FileClone.TryShare(from, to))
        {
            return;
        }

        if (length >= StagedFile.UncachedFrom)
        {
            PastCache(from, to, length, cancellation);
            return;
        }

        for (var done = 0L; done < length;)
        {
            cancellation.ThrowIfCancellationRequested();
            var copied = Range(from, to, done, Math.Min(Piece, length - done));
            if (copied == 0)
            {
                return;
            }

            Durable.BeginSync(to, done, copied);
            done += copied;
        }
    }

    /// <summary>Copies a range to the same place.</summary>
    /// <returns>How many bytes were copied: less than asked only where the source ends.</returns>
    public static long Range(SafeFileHandle from, SafeFileHandle to, long offset, long length)
    {
        var done = FileClone.Copy(from, to, offset, length);
        if (done == length)
        {
            return done;
        }

        var buffer = new byte[Math.Min(1 << 20, length - done)];
        int read;
        while (done < length && (read = RandomAccess.Read(from, buffer.AsSpan(0, (int)Math.Min(buffer.Length, length - done)), offset + done)) > 0)
        {
            RandomAccess.Write(to, buffer.AsSpan(0, read), offset + done);
            done += read;
        }

        return done;
    }

    private static void PastCache(SafeFileHandle from, SafeFileHandle to, long length, CancellationToken cancellation)
    {
        using var staged = new StagedFile(to, length);
        using var stale = new StaleFile(from);
        var data = DataOf(from, length);
        foreach (var (start, end) in data)
        {
            staged.Reserve(start, end - start);
        }

        using (var ahead = new LeafAhead(length))
        {
            while (ahead.Next(_ => leaf => Copy(leaf, data, stale, staged)) is not null)
            {
                cancellation.ThrowIfCancellationRequested();
            }
        }

        staged.Complete();
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
    private static List<ByteRange> DataOf(SafeFileHandle file, long length)
    {
        var found = new List<ByteRange>();
        for (var at = 0L; SparseFile.NextData(file, at) is { } data && data < length;)
        {
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
