using System.Diagnostics;
using System.Globalization;
using ClusterFs.Posix;

namespace ClusterFs.Archive.Log;

/// <summary>Outcome of an attempt to take a slot.</summary>
/// <param name="Record">The record that stands in the slot now: the writer's own, or the one that ended it.</param>
internal sealed record SlotTaken(SlotOutcome Outcome, LogRecord Record);

/// <summary>
/// The dense log of claims and dumps as files. Safe to use from any number of threads, processes and machines.
/// </summary>
internal sealed class SlotLog(ArchiveLayout layout, string service)
{
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(100);

    /// <summary>
    /// How long a record that must exist may stay out of sight. Above what a network file system caches: a minute for attributes of
    /// directories, by default, and a missing name as long.
    /// </summary>
    internal TimeSpan Patience { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>The highest slot that a listing shows. Stale on network file systems: a hint, never a fact.</summary>
    internal Func<long> HighestListed { get; init; } = () => ListHighest(layout.Log);

    /// <summary>Makes entries of a directory durable; another in tests.</summary>
    internal Action<string> SyncDirectory { get; init; } = Durable.SyncDirectory;

    public static string Name(long slot) => slot.ToString("D10", CultureInfo.InvariantCulture);

    public string FileOf(long slot) => Path.Combine(layout.Log, Name(slot));

    /// <summary>Reads a slot.</summary>
    /// <returns>Null when it is free, or taken and not yet visible here.</returns>
    public LogRecord? TryRead(long slot)
    {
        var file = FileOf(slot);
        using var stream = SharedStorage.TryOpen(file);
        if (stream is null)
        {
            return null;
        }

        return SharedStorage.Reach(file, () =>
        {
            var length = stream.Length;
            if (length > RecordFormat.MaxLength)
            {
                throw new DamagedArchiveException(file, $"it has {length} bytes");
            }

            var bytes = new byte[length];
            stream.ReadExactly(bytes);
            return RecordFormat.ReadSlot(file, bytes, service, slot);
        });
    }

    /// <summary>Reads a slot that is known to be taken, waiting until it can be seen.</summary>
    /// <exception cref="SharedStorageException">It stayed out of sight.</exception>
    /// <exception cref="OperationCanceledException">Cancelled before it came into sight.</exception>
    public LogRecord Read(long slot, CancellationToken cancellation)
    {
        const string Unseen = "this record must exist and cannot be seen: the shared storage is behind, damaged, or not the one it was";
        var started = Stopwatch.GetTimestamp();
        while (true)
        {
            if (TryRead(slot) is { } record)
            {
                return record;
            }

            layout.RequireHome();
            if (Stopwatch.GetElapsedTime(started) >= Patience)
            {
                throw new SharedStorageException(FileOf(slot), $"{Unseen}.");
            }

            if (cancellation.WaitHandle.WaitOne(Poll))
            {
                throw new OperationCanceledException($"{FileOf(slot)}: {Unseen}.", cancellation);
            }
        }
    }

    /// <summary>Takes the next free slot for a claim, as <see cref="ClaimWalk"/> says.</summary>
    /// <param name="known">A slot known to be taken; 0 when none is.</param>
    public SlotTaken Claim(ClaimRecord draft, long known, CancellationToken cancellation)
    {
        var step = ClaimWalk.Begin(draft, known, HighestListed());
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            switch (step)
            {
                case AwaitSlot wait:
                    step = ClaimWalk.Met(wait, Read(wait.Slot, cancellation));
                    break;
                case LookAtSlot look:
                    step = ClaimWalk.Looked(look, TryRead(look.Slot));
                    break;
                case TakeSlot take:
                    step = ClaimWalk.Met(take, Take(take.Draft, cancellation));
                    break;
                case ClaimEnded ended:
                    if (ended.FoundOwn)
                    {
                        Sync();
                    }

                    return ended.Taken;
                case ClaimMetDamage damage:
                    throw new DamagedArchiveException(FileOf(damage.Slot), damage.Objection);
            }
        }
    }

    /// <summary>Takes exactly the dump's slot, or learns who did.</summary>
    public SlotTaken Commit(DumpRecord dump, CancellationToken cancellation)
    {
        var found = Take(dump, cancellation);
        return new SlotTaken(LogRules.OnDump(dump.Epoch, dump.Nonce, found), found);
    }

    /// <summary>
    /// Makes the records that can be seen durable. Called before one is built on that this node wrote and did not hear to be durable: its link
    /// was made, and the call after it failed or was never made.
    /// </summary>
    public void Sync() => SharedStorage.Reach(layout.Log, () => SyncDirectory(layout.Log));

    /// <summary>Every record from a slot on, in order, up to the first one that is neither visible nor known to be taken.</summary>
    public IEnumerable<LogRecord> ReadFrom(long first, CancellationToken cancellation)
    {
        var highest = HighestListed();
        LogRecord? previous = null;
        for (var slot = first; ; slot++)
        {
            cancellation.ThrowIfCancellationRequested();
            var record = slot <= highest ? Read(slot, cancellation) : TryRead(slot);
            if (record is null)
            {
                yield break;
            }

            if (previous is not null || slot == 1)
            {
                Require(previous, record);
            }

            yield return record;
            previous = record;
        }
    }

    /// <summary>The newest dump before a slot.</summary>
    /// <returns>Null when there is none.</returns>
    public DumpRecord? LastDumpBefore(long slot, CancellationToken cancellation)
    {
        LogRecord? next = null;
        for (var i = slot - 1; i >= 1; i--)
        {
            var record = Read(i, cancellation);
            if (next is not null)
            {
                Require(record, next);
            }

            if (record is DumpRecord dump)
            {
                return dump;
            }

            next = record;
        }

        return null;
    }

    private static long ListHighest(string directory) => SharedStorage.Reach(directory, () =>
    {
        if (!Directory.Exists(directory))
        {
            return 0;
        }

        var highest = 0L;
        foreach (var file in Directory.EnumerateFiles(directory))
        {
            if (long.TryParse(Path.GetFileName(file.AsSpan()), NumberStyles.None, CultureInfo.InvariantCulture, out var slot))
            {
                highest = Math.Max(highest, slot);
            }
        }

        return highest;
    });

    /// <summary>Links a complete record into its slot. Returns what stands there afterwards, own or foreign.</summary>
    private LogRecord Take(LogRecord record, CancellationToken cancellation)
    {
        var taken = SharedStorage.Reach(layout.Log, () =>
        {
            var temporary = layout.NewTemporary(record.Nonce);
            try
            {
                using (var stream = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.Read, bufferSize: 0))
                {
                    stream.Write(RecordFormat.Write(record));
                    stream.Flush(flushToDisk: true);
                }

                return Durable.TryLink(temporary, FileOf(record.Slot));
            }
            finally
            {
                File.Delete(temporary);
            }
        });

        // Whoever sees the record may build on it, so it must be durable before anyone is told, even if another node's call created it.
        Sync();
        return taken ? record : Read(record.Slot, cancellation);
    }

    private void Require(LogRecord? previous, LogRecord next)
    {
        if (LogRules.Objection(previous, next) is { } objection)
        {
            throw new DamagedArchiveException(FileOf(next.Slot), objection);
        }
    }
}
