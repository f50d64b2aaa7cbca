using System.Buffers;
using ClusterFs.Archive.Manifests;
using ClusterFs.Archive.Threads;
using ClusterFs.Posix;

namespace ClusterFs.Archive.Capture;

/// <summary>Has the leaves of a content prepared by other threads while the caller deals with the one before.</summary>
/// <param name="size">Of the content, in bytes.</param>
/// <param name="alone">Whether the caller prepares each itself, and no other thread has to do with it.</param>
/// <param name="most">At a time, where there are more processors.</param>
/// <param name="workers">Who prepares them; null: threads of its own.</param>
internal sealed class LeafAhead(long size, bool alone = false, int most = 16, TaskScheduler? workers = null) : IDisposable
{
    /// <summary>From this size of a content on its leaves lie in large pages, in bytes: for a smaller one, having them cleared takes longer than they save.</summary>
    private const long LargeFrom = 8L << 20;

    private readonly int _most = alone ? 1 : Math.Min(most, Environment.ProcessorCount);
    private readonly WorkAhead<Leaf> _started = new(workers);
    private readonly Stack<Leaf> _free = [];
    private IMemoryOwner<byte>? _memory;
    private Leaf? _given;
    private int _made;
    private long _next;

    /// <param name="prepare">Says, on the caller's thread, how a leaf is filled; what it says is done on another.</param>
    /// <param name="before">Where the hashes of the content before are read from, on the caller's thread; null when there are none.</param>
    /// <returns>The next leaf, valid until the next call or the disposal of this; null at the end. Once this threw, it is only to be disposed of.</returns>
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

        while (_started.Count < _most && _next < PageMap.LeavesOf(size))
        {
            var leaf = Free().At(_next, size);
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
    public void Dispose()
    {
        _started.Dispose();
        _memory?.Dispose();
    }

    private Leaf Free() => _free.TryPop(out var leaf) ? leaf : new Leaf(Room(_made++));

    private Memory<byte> Room(int leaf)
    {
        if (size < LargeFrom)
        {
            return Uncached.Allocate(PageMap.LeafSize);
        }

        _memory ??= new LargePages((int)Math.Min(_most, PageMap.LeavesOf(size)) * PageMap.LeafSize);
        return _memory.Memory.Slice(leaf * PageMap.LeafSize, PageMap.LeafSize);
    }

    private Leaf? FilledHere(Func<long, Action<Leaf>> prepare)
    {
        if (_next == PageMap.LeavesOf(size))
        {
            return null;
        }

        var leaf = Free().At(_next, size);
        prepare(_next++)(leaf);
        return leaf;
    }
}
