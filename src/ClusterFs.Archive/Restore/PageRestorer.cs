using System.Runtime.InteropServices;
using ClusterFs.Archive.Capture;
using ClusterFs.Archive.Manifests;
using ClusterFs.Archive.Packs;
using ClusterFs.Posix;
using Microsoft.Win32.SafeHandles;

namespace ClusterFs.Archive.Restore;

/// <summary>
/// Writes a content stored in pages. Over a copy of an older content it fetches only the pages that lie elsewhere in the archive than the older
/// ones did, or that are not on this node what the index says.
/// </summary>
/// <param name="indexes">Where the hashes of the pages go; null when they are of no use.</param>
/// <param name="alone">See <see cref="LeafAhead"/>.</param>
internal sealed class PageRestorer(PackReader reader, PageIndexes? indexes, long seed, bool alone = false)
{
    /// <summary>From this size on a file is written past the cache, in bytes. Smaller ones wait for the disk together, at the end.</summary>
    private const long UncachedFrom = 8L << 20;

    private readonly byte[] _buffer = new byte[PageMap.LeafSize];
    private readonly UInt128[] _hashes = new UInt128[PageMap.LeafPages];
    private readonly UInt128[] _before = new UInt128[PageMap.LeafPages];

    private long _written;
    private bool _uncached;

    /// <summary>Bytes written because they were not there already.</summary>
    public long Written => Interlocked.Read(ref _written);

    /// <param name="target">Empty.</param>
    /// <param name="done">Told how many bytes are right from time to time.</param>
    /// <exception cref="DamagedArchiveException">The content is not what was stored.</exception>
    public void Write(SafeFileHandle target, FileContent content, string what, Action<long> done, CancellationToken cancellation)
    {
        var map = new PageMapReader(reader, content, what);
        using var digest = new PageDigest(indexes);
        RandomAccess.SetLength(target, content.Size);
        using (var ahead = new LeafAhead(content.Size, alone))
        {
            _uncached = content.Size >= UncachedFrom && Uncached.TryBegin(target);

            // Whoever fetched a leaf writes it: a disk that has enough to do for the moment holds up nobody else.
            while (ahead.Next(_ => leaf => FillAndWrite(leaf, map, target)) is { } leaf)
            {
                cancellation.ThrowIfCancellationRequested();
                digest.Append(leaf.Hashes);
                done(leaf.Size);
            }
        }

        if (_uncached)
        {
            // The last page was written whole.
            RandomAccess.SetLength(target, content.Size);
            Uncached.End(target);
        }

        Require(digest, content, what);
    }

    /// <param name="target">Turned into the content: a copy of the local file, or empty if that is to be copied.</param>
    /// <param name="local">What is known of the local file.</param>
    /// <param name="source">The local file, if it is to be copied; null when the target is a copy already.</param>
    /// <param name="old">The hashes of its pages, as of the index.</param>
    public void Patch(
        SafeFileHandle target,
        FileContent content,
        LocalFile local,
        SafeFileHandle? source,
        FileStream old,
        string what,
        Action<long> done,
        CancellationToken cancellation)
    {
        var map = new PageMapReader(reader, content, what);
        var before = new PageMapReader(reader, local.Known!, what);
        using var digest = new PageDigest(indexes);
        RandomAccess.SetLength(target, content.Size);
        for (var leaf = 0L; leaf < PageMap.LeavesOf(content.Size); leaf++)
        {
            cancellation.ThrowIfCancellationRequested();
            var size = (int)Math.Min(PageMap.LeafSize, content.Size - (leaf * PageMap.LeafSize));
            var hashes = _hashes.AsSpan(0, PageMap.PagesOf(size));
            var had = _before.AsSpan(0, ReadHashes(old));
            var written = Written;
            if (source is not null)
            {
                _ = FileCopy.Range(source, target, leaf * PageMap.LeafSize, size);
            }

            var sameSize = had.Length == hashes.Length && (content.Size == local.Known!.Size || size == PageMap.LeafSize);
            if (local.IsAsKnown && sameSize && map.Find(0, leaf) == before.Find(0, leaf))
            {
                digest.Append(had);
            }
            else
            {
                PatchLeaf(target, leaf, _buffer.AsSpan(0, size), map.Leaf(leaf), before.Leaf(leaf), had, hashes, local, map);
                digest.Append(hashes);
            }

            if (source is not null || Written > written)
            {
                Durable.BeginSync(target, leaf * PageMap.LeafSize, size);
            }

            done(size);
        }

        Require(digest, content, what);
    }

    private void FillAndWrite(Leaf leaf, PageMapReader map, SafeFileHandle target)
    {
        var places = map.Leaf(leaf.Number);
        map.Read(places, leaf.Bytes);
        PageHash.Of(leaf.Bytes, seed, leaf.Hashes);
        WriteRuns(target, leaf.Number * PageMap.LeafSize, _uncached ? leaf.WholePages : leaf.Bytes, places, page => !places[page].IsHole);
        if (!_uncached)
        {
            Durable.BeginSync(target, leaf.Number * PageMap.LeafSize, leaf.Size);
        }
    }

    private void Write(SafeFileHandle target, ReadOnlySpan<byte> bytes, long offset)
    {
        try
        {
            RandomAccess.Write(target, bytes, offset);
        }
        catch (IOException refused) when (_uncached && refused.HResult == PosixException.Invalid)
        {
            // A device with larger blocks, or a file system that promised too much.
            Uncached.End(target);
            RandomAccess.Write(target, bytes, offset);
        }
    }

    private void PatchLeaf(
        SafeFileHandle target,
        long leaf,
        Span<byte> bytes,
        PagePlace[] places,
        PagePlace[] old,
        ReadOnlySpan<UInt128> had,
        Span<UInt128> hashes,
        LocalFile local,
        PageMapReader map)
    {
        var start = leaf * PageMap.LeafSize;
        var kept = new bool[places.Length];
        if (!local.IsAsKnown)
        {
            new FileSource(target, long.MaxValue).Read(start, bytes);
            PageHash.Of(bytes, seed, hashes);
        }

        for (var page = 0; page < places.Length; page++)
        {
            // A last page that is not whole has that length in one of the two only.
            var end = Math.Min(start + ((page + 1L) * PageMap.PageSize), map.Content.Size);
            var sameLength = end == Math.Min(start + ((page + 1L) * PageMap.PageSize), local.Known!.Size);
            kept[page] = sameLength && page < old.Length && page < had.Length && places[page] == old[page]
                && (local.IsAsKnown || hashes[page] == had[page]);
        }

        for (var page = 0; page < places.Length;)
        {
            var first = page;
            while (page < places.Length && kept[page] == kept[first])
            {
                page++;
            }

            var run = bytes[(first * PageMap.PageSize)..Math.Min(bytes.Length, page * PageMap.PageSize)];
            if (kept[first])
            {
                had[first..page].CopyTo(hashes[first..]);
            }
            else
            {
                map.Read(places.AsSpan(first, page - first), run);
                PageHash.Of(run, seed, hashes[first..page]);
            }
        }

        WriteRuns(target, start, bytes, places, page => !kept[page]);
    }

    private void WriteRuns(SafeFileHandle target, long start, ReadOnlySpan<byte> bytes, PagePlace[] places, Func<int, bool> isWritten)
    {
        for (var page = 0; page < places.Length;)
        {
            var first = page++;
            if (!isWritten(first))
            {
                continue;
            }

            while (page < places.Length && isWritten(page))
            {
                page++;
            }

            var from = first * PageMap.PageSize;
            var run = bytes[from..Math.Min(bytes.Length, page * PageMap.PageSize)];
            Write(target, run, start + from);
            Interlocked.Add(ref _written, run.Length);
        }
    }

    private int ReadHashes(FileStream index)
    {
        var bytes = MemoryMarshal.AsBytes(_before.AsSpan());
        return index.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false) / PageHash.Length;
    }

    private void Require(PageDigest digest, FileContent content, string what)
    {
        if (digest.Finish() != content.Digest)
        {
            throw new DamagedArchiveException(
                content.Root is { } root ? reader.FileOf(root.Pack) : what, $"the SHA-256 of {what} does not match");
        }
    }
}
