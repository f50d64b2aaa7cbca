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
    /// <summary>Blocks that other threads are asked for at once, for one leaf.</summary>
    private const int MostExpected = 4;

    /// <summary>Blocks that are asked for ahead of the leaf that needs them: one is decompressed while another is used.</summary>
    private const int ExpectedNext = 2;

    private readonly Lazy<byte[]> _buffer = new(() => new byte[PageMap.LeafSize]);
    private readonly UInt128[] _hashes = new UInt128[PageMap.LeafPages];
    private readonly UInt128[] _before = new UInt128[PageMap.LeafPages];

    private readonly UInt128 _hole = PageHash.OfHole(seed);

    private long _written;

    /// <summary>Bytes written because they were not there already.</summary>
    public long Written => Interlocked.Read(ref _written);

    /// <param name="target">Empty.</param>
    /// <param name="done">Told how many bytes are right from time to time.</param>
    /// <exception cref="DamagedArchiveException">The content is not what was stored.</exception>
    public void Write(SafeFileHandle target, FileContent content, string what, Action<long> done, CancellationToken cancellation)
    {
        var map = new PageMapReader(reader, content, what);
        using var digest = new PageDigest(indexes);
        using var staged = new StagedFile(target, content.Size);
        using (var ahead = new LeafAhead(content.Size, alone, StagedFile.MostLeaves, reader.Workers))
        {
            var plans = new LeafPlans(staged, content.Size, _hole, PlannedAhead, leaf => new LeafPlan(map.Leaf(leaf), []));

            // Whoever fetched a leaf writes it: a disk that has enough to do for the moment holds up nobody else.
            while (ahead.Next(_ => Filling(plans.Next(), map, staged)) is { } leaf)
            {
                cancellation.ThrowIfCancellationRequested();
                digest.Append(leaf.Hashes);
                done(leaf.Size);
            }
        }

        staged.Complete();
        Require(digest, content, what);
    }

    /// <param name="target">Empty. Becomes the content.</param>
    /// <param name="local">What is known of a local file that may hold most of it.</param>
    /// <param name="file">That file.</param>
    /// <param name="old">The hashes of its pages, as of the index.</param>
    /// <param name="done">Told how many bytes are right from time to time.</param>
    /// <exception cref="DamagedArchiveException">The content is not what was stored, or the local file not what is known of it.</exception>
    public void Copy(
        SafeFileHandle target,
        FileContent content,
        LocalFile local,
        SafeFileHandle file,
        FileStream old,
        string what,
        Action<long> done,
        CancellationToken cancellation)
    {
        var map = new PageMapReader(reader, content, what);
        var before = new PageMapReader(reader, local.Known!, what);
        using var digest = new PageDigest(indexes);
        using var staged = new StagedFile(target, content.Size);
        using var stale = new StaleFile(file);
        using (var ahead = new LeafAhead(content.Size, alone, StagedFile.MostLeaves, reader.Workers))
        {
            var plans = new LeafPlans(staged, content.Size, _hole, PlannedAhead, leaf =>
            {
                var had = _before.AsSpan(0, ReadHashes(old)).ToArray();
                return new LeafPlan(IsUnchanged(leaf, local, had.Length, map, before) ? null : map.Leaf(leaf), had);
            });
            while (ahead.Next(_ => Copying(plans.Next(), local, stale, map, before, staged)) is { } leaf)
            {
                cancellation.ThrowIfCancellationRequested();
                digest.Append(leaf.Hashes);
                done(leaf.Size);
            }
        }

        staged.Complete();
        Require(digest, content, what);
    }

    /// <param name="target">Turned into the content: a copy of the local file.</param>
    /// <param name="local">What is known of the local file.</param>
    /// <param name="old">The hashes of its pages, as of the index.</param>
    /// <param name="done">Told how many bytes are right from time to time.</param>
    /// <exception cref="DamagedArchiveException">The content is not what was stored, or the local file not what is known of it.</exception>
    public void Patch(
        SafeFileHandle target,
        FileContent content,
        LocalFile local,
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
            if (IsUnchanged(leaf, local, had.Length, map, before))
            {
                digest.Append(had);
            }
            else
            {
                PatchLeaf(target, leaf, _buffer.Value.AsSpan(0, size), map.Leaf(leaf), had, hashes, local, map, before);
                digest.Append(hashes);
            }

            if (Written > written)
            {
                Durable.BeginSync(target, leaf * PageMap.LeafSize, size);
            }

            done(size);
        }

        Require(digest, content, what);
    }

    /// <summary>Finds what a content has and a local file has not. The file is not changed.</summary>
    /// <param name="local">What is known of the local file.</param>
    /// <param name="file">That file.</param>
    /// <param name="old">The hashes of its pages, as of the index.</param>
    /// <param name="take">Given each part that is to be written, in order.</param>
    /// <param name="done">Told how many bytes are right from time to time.</param>
    /// <returns>False where the taker wanted no more.</returns>
    /// <exception cref="DamagedArchiveException">The content is not what was stored, or the local file not what is known of it.</exception>
    public bool Collect(
        FileContent content,
        LocalFile local,
        SafeFileHandle file,
        FileStream old,
        TakePages take,
        string what,
        Action<long> done,
        CancellationToken cancellation)
    {
        var map = new PageMapReader(reader, content, what);
        var before = new PageMapReader(reader, local.Known!, what);
        var source = new FileSource(file, long.MaxValue);
        var found = new Queue<ChangedLeaf>();
        using var digest = new PageDigest(indexes);

        // Of a file that need not be read there is too little to do for another thread to be woken for each leaf: only blocks are worth that.
        var inTurn = alone || local.IsAsKnown;
        var (newPlaces, oldPlaces) = inTurn ? (new PagePlace[PageMap.LeafPages], new PagePlace[PageMap.LeafPages]) : (null, null);
        using (var ahead = new LeafAhead(content.Size, inTurn, StagedFile.MostLeaves, reader.Workers))
        {
            Action<Leaf> Prepare(long number)
            {
                var count = ReadHashes(old);
                var had = inTurn && count == _before.Length ? _before : _before.AsSpan(0, count).ToArray();
                var plan = new LeafPlan(IsUnchanged(number, local, had.Length, map, before) ? null : map.Leaf(number, newPlaces), had);
                var changed = new ChangedLeaf(plan);
                found.Enqueue(changed);
                return leaf => Find(leaf, changed, local, source, map, before, oldPlaces);
            }

            while (ahead.Next(Prepare) is { } leaf)
            {
                cancellation.ThrowIfCancellationRequested();
                if (!Give(leaf, found.Dequeue(), take))
                {
                    return false;
                }

                digest.Append(leaf.Hashes);
                done(leaf.Size);
            }
        }

        Require(digest, content, what);
        return true;
    }

    /// <param name="spare">See <see cref="PageMapReader.Leaf"/>.</param>
    private void Find(
        Leaf leaf, ChangedLeaf changed, LocalFile local, FileSource source, PageMapReader map, PageMapReader before, PagePlace[]? spare)
    {
        if (changed.Plan.Places is not { } places)
        {
            changed.Plan.Had.CopyTo(leaf.Hashes);
            return;
        }

        if (!local.IsAsKnown)
        {
            source.Read(leaf.Number * PageMap.LeafSize, leaf.Bytes);
            PageHash.Of(leaf.Bytes, seed, leaf.Hashes);
        }

        var old = before.Leaf(leaf.Number, spare);
        if (local.IsAsKnown && !alone)
        {
            Expect(places, old, map.What);
        }

        changed.Kept = FetchChanged(leaf.Number, leaf.Bytes, places, old, changed.Plan.Had, leaf.Hashes, local, map);
    }

    /// <summary>
    /// Has other threads read what this one would wait for: the further blocks with pages of a leaf, and, because what changed together lies together, the blocks
    /// after them.
    /// </summary>
    private void Expect(PagePlace[] places, PagePlace[] old, string what)
    {
        var (last, started) = (default(PagePlace), 0);
        for (var page = 0; page < places.Length && started < MostExpected; page++)
        {
            var place = places[page];
            if (place.IsHole || (page < old.Length && place == old[page]) || (place.Pack, place.Block) == (last.Pack, last.Block))
            {
                continue;
            }

            started += !last.IsHole && reader.Expect(place.Pack, place.Block, what) ? 1 : 0;
            last = place;
        }

        if (!last.IsHole)
        {
            for (var next = 1; next <= ExpectedNext; next++)
            {
                _ = reader.Expect(last.Pack, last.Block + next, what);
            }
        }
    }

    private bool Give(Leaf leaf, ChangedLeaf changed, TakePages take)
    {
        if (changed.Kept is not { } kept)
        {
            return true;
        }

        var start = leaf.Number * PageMap.LeafSize;
        for (var page = NextOf(kept, false, 0); page < kept.Length; page = NextOf(kept, false, page))
        {
            var first = page++;
            var isHole = changed.Plan.IsHole(first, _hole);
            while (page < kept.Length && !kept[page] && changed.Plan.IsHole(page, _hole) == isHole)
            {
                page++;
            }

            var run = leaf.Bytes[(first * PageMap.PageSize)..Math.Min(leaf.Size, page * PageMap.PageSize)];
            if (!take(start + (first * PageMap.PageSize), run, isHole))
            {
                return false;
            }

            Interlocked.Add(ref _written, run.Length);
        }

        return true;
    }

    private int PlannedAhead => alone ? 1 : LeafPlans.Ahead;

    private Action<Leaf> Filling(LeafPlan plan, PageMapReader map, StagedFile target) => leaf =>
    {
        map.Read(plan.Places!, leaf.Bytes);
        PageHash.Of(leaf.Bytes, seed, leaf.Hashes);
        WriteRuns(leaf, plan, target);
    };

    private Action<Leaf> Copying(
        LeafPlan plan, LocalFile local, StaleFile stale, PageMapReader map, PageMapReader before, StagedFile target) => leaf =>
    {
        if (!local.IsAsKnown || Enumerable.Range(0, plan.Pages).Any(page => !plan.IsHole(page, _hole)))
        {
            stale.Read(leaf.Number * PageMap.LeafSize, leaf.WholePages);
        }

        if (plan.Places is null)
        {
            plan.Had.CopyTo(leaf.Hashes);
        }
        else
        {
            if (!local.IsAsKnown)
            {
                PageHash.Of(leaf.Bytes, seed, leaf.Hashes);
            }

            FetchChanged(leaf.Number, leaf.Bytes, plan.Places, before.Leaf(leaf.Number), plan.Had, leaf.Hashes, local, map);
        }

        WriteRuns(leaf, plan, target);
    };

    private void WriteRuns(Leaf leaf, LeafPlan plan, StagedFile target)
    {
        var pages = leaf.WholePages;
        foreach (var (from, to) in Runs(plan.Pages, page => !plan.IsHole(page, _hole)))
        {
            target.Write(pages[from..to], (leaf.Number * PageMap.LeafSize) + from);
            Interlocked.Add(ref _written, Math.Min(to, leaf.Size) - from);
        }
    }

    private void PatchLeaf(
        SafeFileHandle target,
        long leaf,
        Span<byte> bytes,
        PagePlace[] places,
        ReadOnlySpan<UInt128> had,
        Span<UInt128> hashes,
        LocalFile local,
        PageMapReader map,
        PageMapReader before)
    {
        var start = leaf * PageMap.LeafSize;
        if (!local.IsAsKnown)
        {
            new FileSource(target, long.MaxValue).Read(start, bytes);
            PageHash.Of(bytes, seed, hashes);
        }

        var kept = FetchChanged(leaf, bytes, places, before.Leaf(leaf), had, hashes, local, map);
        foreach (var (from, to) in RunsWithout(kept))
        {
            var run = bytes[from..Math.Min(bytes.Length, to)];
            RandomAccess.Write(target, run, start + from);
            Interlocked.Add(ref _written, run.Length);
        }
    }

    /// <summary>Fetches the pages of a leaf that the local file has not.</summary>
    /// <param name="bytes">Get them; what else is in there stays.</param>
    /// <param name="old">Where the pages of the older content lie.</param>
    /// <param name="had">Hashes of the pages that the older content had.</param>
    /// <param name="hashes">Those of the pages that the local file has, if it may not be what is known of it. Become those of the content.</param>
    /// <returns>Of each page, whether the local file has it.</returns>
    private bool[] FetchChanged(
        long leaf,
        Span<byte> bytes,
        PagePlace[] places,
        PagePlace[] old,
        ReadOnlySpan<UInt128> had,
        Span<UInt128> hashes,
        LocalFile local,
        PageMapReader map)
    {
        var kept = new bool[places.Length];
        var comparable = Math.Min(places.Length, Math.Min(old.Length, had.Length));

        // A last page that is not whole has that length in one of the two only.
        var shorter = Math.Min(map.Content.Size, local.Known!.Size) - (leaf * PageMap.LeafSize);
        var sameLength = map.Content.Size == local.Known.Size ? comparable : (int)Math.Clamp(shorter / PageMap.PageSize, 0, comparable);
        for (var page = 0; page < sameLength; page++)
        {
            kept[page] = places[page] == old[page] && (local.IsAsKnown || hashes[page] == had[page]);
        }

        if (local.IsAsKnown)
        {
            had[..sameLength].CopyTo(hashes);
        }

        foreach (var (from, to) in RunsWithout(kept))
        {
            var (first, last) = (from / PageMap.PageSize, to / PageMap.PageSize);
            var run = bytes[from..Math.Min(bytes.Length, to)];
            map.Read(places.AsSpan(first, last - first), run);
            PageHash.Of(run, seed, hashes[first..last]);
        }

        return kept;
    }

    /// <summary>Whether a leaf of the content is that of the local file, found out without its pages.</summary>
    /// <param name="had">Pages of the older content in it.</param>
    private static bool IsUnchanged(long leaf, LocalFile local, int had, PageMapReader map, PageMapReader before)
    {
        var size = Math.Min(PageMap.LeafSize, map.Content.Size - (leaf * PageMap.LeafSize));
        var sameSize = had == PageMap.PagesOf(size) && (map.Content.Size == local.Known!.Size || size == PageMap.LeafSize);
        return local.IsAsKnown && sameSize && map.Find(0, leaf) == before.Find(0, leaf);
    }

    /// <summary>Runs of consecutive pages of a leaf, in bytes from its beginning.</summary>
    private static IEnumerable<(int From, int To)> Runs(int pages, Func<int, bool> isPartOf)
    {
        for (var page = 0; page < pages;)
        {
            var first = page++;
            if (!isPartOf(first))
            {
                continue;
            }

            while (page < pages && isPartOf(page))
            {
                page++;
            }

            yield return (first * PageMap.PageSize, page * PageMap.PageSize);
        }
    }

    /// <summary>The same of the pages that the local file has not.</summary>
    private static IEnumerable<(int From, int To)> RunsWithout(bool[] kept)
    {
        for (var page = NextOf(kept, false, 0); page < kept.Length; page = NextOf(kept, false, page))
        {
            var first = page;
            page = NextOf(kept, true, page);
            yield return (first * PageMap.PageSize, page * PageMap.PageSize);
        }
    }

    private static int NextOf(bool[] kept, bool value, int from) =>
        kept.AsSpan(from).IndexOf(value) is var found and >= 0 ? from + found : kept.Length;

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

    /// <param name="plan">Of what the leaf will hold.</param>
    private sealed class ChangedLeaf(LeafPlan plan)
    {
        public LeafPlan Plan => plan;

        /// <summary>Of each page, whether the local file has it; null where it has all of them.</summary>
        public bool[]? Kept { get; set; }
    }
}

/// <summary>Takes a part of a content.</summary>
/// <param name="offset">Of the first byte.</param>
/// <param name="bytes">Valid until it returns.</param>
/// <param name="isHole">Whether they are zeros that need no room.</param>
/// <returns>Whether more is wanted.</returns>
internal delegate bool TakePages(long offset, ReadOnlySpan<byte> bytes, bool isHole);
