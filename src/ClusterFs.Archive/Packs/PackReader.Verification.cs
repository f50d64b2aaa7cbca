using System.Buffers;
using System.Runtime.ExceptionServices;
using ClusterFs.Posix;
using Microsoft.Win32.SafeHandles;

namespace ClusterFs.Archive.Packs;

/// <summary>Packs compared with their own hashes, as they were written and long after.</summary>
internal sealed partial class PackReader
{
    /// <summary>So many bytes are read sooner than other threads are woken for them.</summary>
    private const int Little = 256 << 10;

    /// <summary>Reads everything in a pack and compares it with the hashes in its table.</summary>
    /// <param name="workers">Who reads and hashes; null: threads of this reader.</param>
    public void VerifyFrames(PackId id, CancellationToken cancellation, TaskScheduler? workers = null)
    {
        const string what = "a block";
        var pack = Open(id, what);
        InParallel(
            Table(pack, what),
            () => (IDisposable?)null,
            (row, _) => ReturnFrame(ReadFrame(pack, row, what)),
            workers ?? _threads,
            cancellation);
    }

    /// <summary>
    /// The same for a pack that was just written and synced, by what the storage holds and not by what the cache does. Past the cache where that can be: it
    /// is not filled a second time.
    /// </summary>
    /// <param name="workers">Who reads and hashes.</param>
    public void VerifyStored(PackId id, TaskScheduler workers, CancellationToken cancellation)
    {
        const string what = "a block";
        var pack = Open(id, what);
        using var past = Reach(pack.File, () => File.OpenHandle(pack.File));
        if (!Uncached.TryBegin(past) || !BeginsPastCache(pack, past))
        {
            FileAttribution.ForgetCached(pack.Handle);
            VerifyFrames(id, cancellation, workers);
            return;
        }

        // The table, and what else does not lie in a block, is read through the cache.
        var rows = Table(pack, what);
        var end = rows.Length == 0 ? 0 : rows.Max(row => row.Offset + row.Length) / Uncached.Alignment * Uncached.Alignment;
        FileAttribution.ForgetCached(pack.Handle, end, 0);
        if (!ReadTable(pack, what).AsSpan().SequenceEqual(rows))
        {
            throw new DamagedArchiveException(pack.File, "its table is not what was written");
        }

        var longest = Uncached.RoomFor(rows.Select(row => row.Length).DefaultIfEmpty().Max());
        var memory = IsLittle(rows) ? longest : Math.Max(longest, LargePages.PageSize);
        InParallel<IMemoryOwner<byte>>(
            rows,
            () => new LargePages(memory),
            (row, room) =>
            {
                var frame = Reach(pack.File, () => Digest.Of(Uncached.Read(past, pack.Offset + row.Offset, row.Length, room.Memory.Span)));
                if (frame != row.Sha256)
                {
                    throw new DamagedArchiveException(pack.File, $"the SHA-256 of the block with {what} does not match");
                }
            },
            workers,
            cancellation);
    }

    private static bool IsLittle(BlockRow[] rows) => rows.Sum(row => (long)row.Length) <= Little;

    /// <param name="begin">Makes what whoever verifies has to itself while at it.</param>
    private static void InParallel<T>(
        BlockRow[] rows, Func<T> begin, Action<BlockRow, T> verify, TaskScheduler workers, CancellationToken cancellation)
        where T : IDisposable?
    {
        if (IsLittle(rows))
        {
            using var own = begin();
            foreach (var row in rows)
            {
                cancellation.ThrowIfCancellationRequested();
                verify(row, own);
            }

            return;
        }

        try
        {
            Parallel.ForEach(
                rows,
                new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount, TaskScheduler = workers, CancellationToken = cancellation },
                begin,
                (row, _, own) =>
                {
                    verify(row, own);
                    return own;
                },
                own => own?.Dispose());
        }
        catch (AggregateException failures)
        {
            ExceptionDispatchInfo.Throw(failures.InnerExceptions[0]);
        }
    }

    /// <returns>False when the storage demands another alignment.</returns>
    private static bool BeginsPastCache(OpenPack pack, SafeFileHandle past)
    {
        try
        {
            var room = Uncached.Allocate(Uncached.RoomFor(PackFormat.Header.Length));
            var header = Uncached.Read(past, pack.Offset, PackFormat.Header.Length, room.Span);
            return header.SequenceEqual(PackFormat.Header) || header.SequenceEqual(PackFormat.EncryptedHeader)
                ? true
                : throw new DamagedArchiveException(pack.File, "it does not begin like a pack of this version");
        }
        catch (IOException error) when (error.HResult == PosixException.Invalid)
        {
            return false;
        }
        catch (Exception error) when (error is UnauthorizedAccessException or IOException and not ArchiveException)
        {
            throw Unreadable(pack.File, error);
        }
    }
}
