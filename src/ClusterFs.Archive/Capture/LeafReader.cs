using ClusterFs.Archive.Manifests;

namespace ClusterFs.Archive.Capture;

/// <summary>Reads and hashes a content leaf by leaf, several at a time.</summary>
/// <param name="seed">Of the hashes of pages.</param>
/// <param name="before">Hashes of the pages of the content before; null when there is none.</param>
/// <param name="unchanged">What is known to be as it was in that content, and is not read. The bytes of such a page are not in its leaf.</param>
/// <param name="workers">Who reads; null: threads of its own.</param>
internal sealed class LeafReader(
    IPageSource source, long seed, CheckedIndex? before = null, UnchangedRanges? unchanged = null, TaskScheduler? workers = null) : IDisposable
{
    /// <summary>So much is hashed while a processor's cache still has it.</summary>
    private const int Slice = 64 * PageMap.PageSize;

    /// <summary>So many leaves ahead the disk is told what will be read: single pages all over a file are slow to come, one after the other.</summary>
    private const int Expected = 64;

    /// <summary>In a leaf of which more is to be read, the kernel does that by itself, in bytes.</summary>
    private const long MostExpected = PageMap.LeafSize / 16;

    private readonly UInt128 _hole = PageHash.OfHole(seed);

    private readonly LeafAhead _ahead = new(source.Size, workers: workers);
    private long _takenOver;

    /// <summary>Bytes that were not read.</summary>
    public long TakenOver => Interlocked.Read(ref _takenOver);

    /// <returns>The next leaf, valid until the next call or the disposal of this; null at the end.</returns>
    public Leaf? Next() => _ahead.Next(number =>
    {
        var start = number * PageMap.LeafSize;

        // Asked here, because a source answers this to one thread only.
        var hole = unchanged is null && start + PageMap.LeafSize <= source.Size && source.IsHole(start, PageMap.LeafSize);
        return leaf =>
        {
            if (unchanged is not null)
            {
                Expect(number);
                ReadChanged(start, leaf);
            }
            else if (hole)
            {
                leaf.Bytes.Clear();
                leaf.Hashes.Fill(_hole);
            }
            else
            {
                ReadHashed(start, leaf, 0, leaf.Size);
            }
        };
    }, before);

    public void Dispose() => _ahead.Dispose();

    /// <summary>Says what will be read so far ahead of a leaf; ahead of the first, all on the way there.</summary>
    private void Expect(long number)
    {
        for (var leaf = number == 0 ? 0 : number + Expected - 1; leaf < number + Expected; leaf++)
        {
            var start = leaf * PageMap.LeafSize;
            var changed = unchanged!.NotIn(start, Math.Min(source.Size, start + PageMap.LeafSize));
            if (changed.Sum(range => range.End - range.Start) <= MostExpected)
            {
                foreach (var (from, to) in changed)
                {
                    source.Expect(from, to - from);
                }
            }
        }
    }

    private void ReadChanged(long start, Leaf leaf)
    {
        var comparable = Math.Min(leaf.Size, leaf.Before.Length * PageMap.PageSize);
        var page = 0;
        foreach (var (from, to) in unchanged!.NotIn(start, start + comparable))
        {
            // The page in which this begins may have been read to its end already.
            var first = Math.Max(page, (int)((from - start) / PageMap.PageSize));
            TakeOver(leaf, page, first);
            page = Math.Max(first, PageMap.PagesOf(to - start));
            ReadHashed(start, leaf, first * PageMap.PageSize, Math.Min(leaf.Size, page * PageMap.PageSize));
        }

        var known = PageMap.PagesOf(comparable);
        TakeOver(leaf, page, known);
        ReadHashed(start, leaf, Math.Max(page, known) * PageMap.PageSize, leaf.Size);
    }

    private void TakeOver(Leaf leaf, int page, int end)
    {
        if (page < end)
        {
            leaf.Before[page..end].CopyTo(leaf.Hashes[page..]);
            Interlocked.Add(ref _takenOver, Math.Min(leaf.Size, end * PageMap.PageSize) - (page * PageMap.PageSize));
        }
    }

    private void ReadHashed(long start, Leaf leaf, int from, int to)
    {
        for (var done = from; done < to; done += Slice)
        {
            var bytes = leaf.Bytes[done..Math.Min(to, done + Slice)];
            source.Read(start + done, bytes);
            PageHash.Of(bytes, seed, leaf.Hashes.Slice(done / PageMap.PageSize, PageMap.PagesOf(bytes.Length)));
        }
    }
}
