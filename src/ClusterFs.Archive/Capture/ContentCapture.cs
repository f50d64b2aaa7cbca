using ClusterFs.Archive.Manifests;
using ClusterFs.Archive.Packs;

namespace ClusterFs.Archive.Capture;

/// <summary>
/// Stores the bytes of files in a pack: small ones whole and once, large ones by the pages that differ from the content before.
/// </summary>
/// <param name="seed">Of the hashes of pages.</param>
internal sealed class ContentCapture(PackWriter pack, PackReader reader, KnownContents known, PageIndexes indexes, long seed)
{
    /// <summary>Files of more bytes are stored in pages.</summary>
    public const int MaxWhole = PackFormat.BlockSize;

    /// <summary>One that was damaged where it lay, and one that was made anew.</summary>
    private const int MostIndexes = 2;

    private static readonly byte[] Zeros = new byte[PageMap.PageSize];
    private readonly byte[] _buffer = new byte[MaxWhole];
    private PagePlace[]? _places;
    private PagePlace[]? _oldPlaces;

    /// <summary>The bytes of a file stored whole, before it is known whether they count.</summary>
    public ReadOnlyMemory<byte> ReadWhole(IPageSource source)
    {
        var bytes = _buffer.AsMemory(0, (int)source.Size);
        source.Read(0, bytes.Span);
        return bytes;
    }

    public FileContent StoreWhole(ReadOnlySpan<byte> bytes)
    {
        var digest = Digest.Of(bytes);
        if (bytes.IsEmpty)
        {
            return new FileContent(0, digest);
        }

        var content = new FileContent(bytes.Length, digest) { Root = known.Find(digest, bytes.Length) };
        if (content.Root is null)
        {
            content = content with { Root = pack.Add(bytes) };
            known.Remember(content);
        }

        return content;
    }

    /// <param name="before">The content that it derives from; null when none is known.</param>
    /// <param name="unchanged">What is known to be as it was in that content, and need not be read.</param>
    /// <param name="name">For messages.</param>
    /// <returns>The content, and how many of its bytes were not read.</returns>
    public (FileContent Content, long TakenOver) StorePages(
        IPageSource source, FileContent? before, UnchangedRanges? unchanged, string name, CancellationToken cancellation)
    {
        for (var attempt = 1; ; attempt++)
        {
            if (TryStorePages(source, before, unchanged, name, cancellation) is { } stored)
            {
                return stored;
            }

            if (attempt == MostIndexes)
            {
                throw new LocalContentException(
                    $"The page index of {name} is damaged each time it is read, also right after it was made anew. Check the disk that it lies on.");
            }

            // It is made anew from the archive, and checked.
            indexes.Delete(before!.Digest);
        }
    }

    /// <returns>Null when the index of the content before is damaged: what was stored is of no use.</returns>
    private (FileContent Content, long TakenOver)? TryStorePages(
        IPageSource source, FileContent? before, UnchangedRanges? unchanged, string name, CancellationToken cancellation)
    {
        var map = before is { Paged: true } ? new PageMapReader(reader, before, name) : null;
        using var old = map is null ? null : indexes.OpenOrRebuild(map, seed, cancellation);
        using var index = new PageIndexes.Writer(indexes, pack.Workers);
        using var leaves = new LeafReader(source, seed, old, map is null ? null : unchanged, pack.Workers);
        var builder = new PageMapBuilder(pack, map);
        while (leaves.Next() is { } leaf)
        {
            cancellation.ThrowIfCancellationRequested();
            index.Append(leaf.Hashes);
            var had = leaf.Before;
            if (had.SequenceEqual(leaf.Hashes))
            {
                builder.AppendUnchanged(leaf.Number);
            }
            else
            {
                builder.Append(Place(leaf.Bytes, leaf.Hashes, had, map, leaf.Number));
            }
        }

        if (old?.IsRight() == false)
        {
            return null;
        }

        var root = builder.Finish(source.Size);
        return (new FileContent(source.Size, index.Finish()) { Root = root, Paged = true }, leaves.TakenOver);
    }

    /// <returns>Valid until the next call.</returns>
    private PagePlace[] Place(ReadOnlySpan<byte> bytes, ReadOnlySpan<UInt128> hashes, ReadOnlySpan<UInt128> had, PageMapReader? map, long leaf)
    {
        var places = _places?.Length == hashes.Length ? _places : _places = new PagePlace[hashes.Length];
        PagePlace[]? old = null;
        Array.Clear(places);
        for (var page = 0; page < places.Length;)
        {
            if (page < had.Length && had[page] == hashes[page])
            {
                places[page] = (old ??= _oldPlaces = map!.Leaf(leaf, _oldPlaces))[page];
                page++;
                continue;
            }

            if (IsZero(bytes, page))
            {
                page++;
                continue;
            }

            var end = page + 1;
            while (end < places.Length && !(end < had.Length && had[end] == hashes[end]) && !IsZero(bytes, end))
            {
                end++;
            }

            Store(bytes, places, page, end);
            page = end;
        }

        return places;
    }

    private static bool IsZero(ReadOnlySpan<byte> bytes, int page)
    {
        var start = page * PageMap.PageSize;
        var one = bytes[start..Math.Min(bytes.Length, start + PageMap.PageSize)];
        return one[0] == 0 && one.SequenceEqual(Zeros.AsSpan(0, one.Length));
    }

    /// <summary>Stores a run of pages, cut where a block is full.</summary>
    private void Store(ReadOnlySpan<byte> bytes, PagePlace[] places, int page, int end)
    {
        while (page < end)
        {
            var room = pack.Room / PageMap.PageSize;
            var count = Math.Min(end - page, room == 0 ? PackFormat.BlockSize / PageMap.PageSize : room);
            var start = page * PageMap.PageSize;
            var piece = pack.Add(bytes[start..Math.Min(bytes.Length, start + (count * PageMap.PageSize))]);
            for (var i = 0; i < count; i++)
            {
                places[page + i] = new PagePlace(piece.Pack, piece.Block, piece.Offset + (i * PageMap.PageSize));
            }

            page += count;
        }
    }
}
