using ClusterFs.Archive.Manifests;
using ClusterFs.Archive.Threads;
using ClusterFs.Posix;

namespace ClusterFs.Archive.Capture;

/// <summary>The bytes that one leaf of a map places, and the hashes of their pages.</summary>
internal sealed class Leaf
{
    private readonly byte[] _bytes = GC.AllocateUninitializedArray<byte>(PageMap.LeafSize + Uncached.Alignment, pinned: true);
    private readonly UInt128[] _hashes = new UInt128[PageMap.LeafPages];
    private readonly UInt128[] _before = new UInt128[PageMap.LeafPages];
    private readonly int _start;
    private int _hadBefore;

    public Leaf() => _start = Uncached.AlignedStart(_bytes);

    public long Number { get; private set; }

    public int Size { get; private set; }

    public Span<byte> Bytes => _bytes.AsSpan(_start, Size);

    /// <summary>The same, with zeros to the end of the last page.</summary>
    public Span<byte> WholePages
    {
        get
        {
            var pages = _bytes.AsSpan(_start, PageMap.PagesOf(Size) * PageMap.PageSize);
            pages[Size..].Clear();
            return pages;
        }
    }

    public Span<UInt128> Hashes => _hashes.AsSpan(0, PageMap.PagesOf(Size));

    /// <summary>Hashes of the pages that the content before had in this range.</summary>
    public ReadOnlySpan<UInt128> Before => _before.AsSpan(0, _hadBefore);

    public Leaf At(long number, long size)
    {
        Number = number;
        Size = (int)Math.Min(PageMap.LeafSize, size - (number * PageMap.LeafSize));
        _hadBefore = 0;
        return this;
    }

    /// <summary>Reads the next hashes of the content before.</summary>
    public void ReadBefore(CheckedIndex index) => _hadBefore = index.Read(_before);
}

/// <summary>Reads and hashes a content leaf by leaf, as many at a time as there are processors.</summary>
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

    /// <returns>The next leaf, valid until the next call; null at the end.</returns>
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

/// <summary>Has the leaves of a content prepared by other threads while the caller deals with the one before.</summary>
/// <param name="size">Of the content, in bytes.</param>
/// <param name="alone">Whether the caller prepares each itself, and no other thread has to do with it.</param>
/// <param name="most">At a time, where there are more processors.</param>
/// <param name="workers">Who prepares them; null: threads of its own.</param>
internal sealed class LeafAhead(long size, bool alone = false, int most = int.MaxValue, TaskScheduler? workers = null) : IDisposable
{
    private readonly WorkAhead<Leaf> _started = new(workers);
    private readonly Stack<Leaf> _free = [];
    private Leaf? _given;
    private long _next;

    /// <param name="prepare">Says, on the caller's thread, how a leaf is filled; what it says is done on another.</param>
    /// <param name="before">Where the hashes of the content before are read from, on the caller's thread; null when there are none.</param>
    /// <returns>The next leaf, valid until the next call; null at the end.</returns>
    public Leaf? Next(Func<long, Action<Leaf>> prepare, CheckedIndex? before = null)
    {
        if (_given is not null)
        {
            _free.Push(_given);
            _given = null;
        }

        if (alone)
        {
            return _given = FilledHere(prepare);
        }

        while (_started.Count < Math.Min(most, Environment.ProcessorCount) && _next < PageMap.LeavesOf(size))
        {
            var leaf = (_free.TryPop(out var free) ? free : new Leaf()).At(_next, size);
            if (before is not null)
            {
                leaf.ReadBefore(before);
            }

            var fill = prepare(_next++);
            _started.Start(() =>
            {
                fill(leaf);
                return leaf;
            });
        }

        return _given = _started.Count > 0 ? _started.Take() : null;
    }

    /// <summary>Waits for what was started: it reads from what the caller is about to close.</summary>
    public void Dispose() => _started.Dispose();

    private Leaf? FilledHere(Func<long, Action<Leaf>> prepare)
    {
        if (_next == PageMap.LeavesOf(size))
        {
            return null;
        }

        var leaf = (_free.TryPop(out var free) ? free : new Leaf()).At(_next, size);
        prepare(_next++)(leaf);
        return leaf;
    }
}
