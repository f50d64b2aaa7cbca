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
internal sealed class SlotLog
{
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(100);
    private readonly ArchiveLayout _layout;
    private readonly string _service;

    public SlotLog(ArchiveLayout layout, string service)
    {
        _layout = layout;
        _service = service;
        Runs = new SlotRuns(layout);
        HighestListed = ListHighest;
    }

    /// <summary>
    /// How long a record that must exist may stay out of sight. Above what a network file system caches: a minute for attributes of
    /// directories, by default, and a missing name as long.
    /// </summary>
    internal TimeSpan Patience { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>The highest slot that a listing shows. Stale on network file systems: a hint, never a fact.</summary>
    internal Func<long> HighestListed { get; init; }

    /// <summary>What slots have been folded into.</summary>
    internal SlotRuns Runs { get; init; }

    /// <summary>Makes entries of a directory durable; another in tests.</summary>
    internal Action<string> SyncDirectory { get; init; } = Durable.SyncDirectory;

    public static string Name(long slot) => slot.ToString("D10", CultureInfo.InvariantCulture);

    public string FileOf(long slot) => Path.Combine(_layout.Log, Name(slot));

    /// <summary>Reads a slot.</summary>
    /// <returns>Null when it is free, or taken and not yet visible here.</returns>
    public LogRecord? TryRead(long slot) => TryReadBytes(slot) is { } found ? Parse(found.File, found.Bytes, slot) : null;

    /// <summary>Reads a slot that is known to be taken, and the bytes of its record.</summary>
    public (LogRecord Record, byte[] Bytes) ReadBytes(long slot, CancellationToken cancellation)
    {
        var (file, bytes) = Await(slot, TryReadBytes, cancellation);
        return (Parse(file, bytes, slot), bytes);
    }

    /// <summary>Reads a slot that is known to be taken, waiting until it can be seen.</summary>
    /// <exception cref="SharedStorageException">It stayed out of sight.</exception>
    /// <exception cref="OperationCanceledException">Cancelled before it came into sight.</exception>
    public LogRecord Read(long slot, CancellationToken cancellation) => ReadBytes(slot, cancellation).Record;

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
                case ClaimEnded { Taken.Outcome: SlotOutcome.Mine } ended when ReadFolded(ended.Slot, cancellation) is { } first && first.Nonce != draft.Nonce:
                    // Its slot had been taken long ago: what it saw was old, and a name that had been freed.
                    Withdraw(ended.Slot, draft.Nonce);
                    step = ClaimWalk.Begin(draft, ended.Slot, HighestListed());
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

        // Whoever was finished long ago may find the name free again. The look comes after the link: before it, nothing makes it a fresh one.
        if (Runs.TryFind(dump.Slot) is not null && Read(dump.Slot, cancellation) is var first && first.Nonce != dump.Nonce)
        {
            Withdraw(dump.Slot, dump.Nonce);
            found = first;
        }

        return new SlotTaken(LogRules.OnDump(dump.Epoch, dump.Nonce, found), found);
    }

    /// <summary>Takes exactly the record's slot, and proves as a claim does that it had not been folded.</summary>
    /// <returns>What stands there: the record, or another.</returns>
    public LogRecord Append(LogRecord record, CancellationToken cancellation)
    {
        var found = Take(record, cancellation);
        if (found.Nonce == record.Nonce && ReadFolded(record.Slot, cancellation) is { } first && first.Nonce != record.Nonce)
        {
            Withdraw(record.Slot, record.Nonce);
            return first;
        }

        return found;
    }

    /// <summary>Whether a record that was read stands in its slot indeed, and not under a name that was freed: proven as a claim does it.</summary>
    public bool Proves(LogRecord found, CancellationToken cancellation) =>
        ReadFolded(found.Slot, cancellation) is not { } first || first.Nonce == found.Nonce;

    /// <summary>The file that a slot's record lies in.</summary>
    public string FileWith(long slot) => TryReadBytes(slot)?.File ?? FileOf(slot);

    /// <summary>
    /// Makes the records that can be seen durable. Called before one is built on that this node wrote and did not hear to be durable: its link
    /// was made, and the call after it failed or was never made.
    /// </summary>
    public void Sync() => SharedStorage.Reach(_layout.Log, () => SyncDirectory(_layout.Log));

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

    private LogRecord Parse(string file, byte[] bytes, long slot) => RecordFormat.ReadSlot(file, bytes, _service, slot);

    private (string File, byte[] Bytes)? TryReadBytes(long slot) => slot <= Runs.FoldedTo
        ? TryReadFolded(slot) ?? TryReadOwn(slot)
        : TryReadOwn(slot) ?? TryReadFolded(slot);

    private (string File, byte[] Bytes)? TryReadFolded(long slot) =>
        Runs.TryFind(slot) is { } run ? (Runs.FileOf(run.Range), run.Record(slot).ToArray()) : null;

    private (string File, byte[] Bytes)? TryReadOwn(long slot)
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
            return (file, bytes);
        });
    }

    /// <summary>What stands in a slot according to the run that holds it.</summary>
    /// <returns>Null when it has not been folded, which is certain.</returns>
    private LogRecord? ReadFolded(long slot, CancellationToken cancellation)
    {
        if (!Runs.MayHold(slot))
        {
            return null;
        }

        var (file, bytes) = Await(slot, TryReadFolded, cancellation);
        return Parse(file, bytes, slot);
    }

    private (string File, byte[] Bytes) Await(
        long slot, Func<long, (string File, byte[] Bytes)?> tryRead, CancellationToken cancellation)
    {
        const string Unseen = "this record must exist and cannot be seen: the shared storage is behind, damaged, or not the one it was";
        var started = Stopwatch.GetTimestamp();
        while (true)
        {
            if (tryRead(slot) is { } found)
            {
                return found;
            }

            _layout.RequireHome();
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

    /// <summary>Takes a record back that came too late for its slot. Should this fail, the run goes before it all the same.</summary>
    private void Withdraw(long slot, string nonce) => SharedStorage.Reach(_layout.Log, () =>
    {
        if (TryReadOwn(slot) is { } own && Parse(own.File, own.Bytes, slot).Nonce == nonce)
        {
            File.Delete(own.File);
        }
    });

    private long ListHighest() => SharedStorage.Reach(_layout.Log, () =>
    {
        if (!Directory.Exists(_layout.Log))
        {
            return 0;
        }

        var highest = 0L;
        foreach (var file in Directory.EnumerateFiles(_layout.Log))
        {
            var name = Path.GetFileName(file.AsSpan());
            if (SlotRuns.TryParse(name) is { } run)
            {
                Runs.See(run);
                highest = Math.Max(highest, run.Last);
            }
            else if (long.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var slot))
            {
                highest = Math.Max(highest, slot);
            }
        }

        return highest;
    });

    /// <summary>Links a complete record into its slot. Returns what stands there afterwards, own or foreign.</summary>
    private LogRecord Take(LogRecord record, CancellationToken cancellation)
    {
        var taken = SharedStorage.Reach(_layout.Log, () =>
        {
            var temporary = _layout.NewTemporary(record.Nonce);
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
