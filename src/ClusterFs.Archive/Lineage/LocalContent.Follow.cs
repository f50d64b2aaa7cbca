using System.Diagnostics;
using ClusterFs.Archive.Capture;
using ClusterFs.Archive.Log;
using ClusterFs.Archive.Manifests;
using ClusterFs.Archive.Packs;
using ClusterFs.Archive.Restore;
using ClusterFs.Posix;

namespace ClusterFs.Archive.Lineage;

public sealed partial class LocalContent
{
    private LogRecord? _lineSeenTo;
    private DumpRecord? _headSeen;
    private bool _hadNoRoom;

    /// <summary>
    /// Turns the standby copy beside the live content into the newest dump, out of the dump before: what changed is fetched, and large files are
    /// patched in place. A takeover then puts the copy in the place of the live content by a rename. The live content is not touched; where there
    /// is no copy yet, it is read for what it has of the dump. For a node that does not own the service; no process may write the live path.
    /// Cut short anywhere, the copy is used by nobody before it was made whole again.
    /// </summary>
    /// <remarks>
    /// Once a copy that was whole is being changed, that is not cancelled any more: a takeover has to make the same changes, and would not know which
    /// are made already.
    /// </remarks>
    /// <param name="toldOf">A slot that is known to be taken: it is waited for. 0 when none is; then the log is looked at.</param>
    /// <exception cref="OperationCanceledException">Cancelled. What there is of a first copy is not lost for the next call.</exception>
    public FollowResult Follow(long toldOf, IProgress<RestoreProgress>? progress, CancellationToken cancellation) =>
        InTurn(() => FollowInTurn(toldOf, progress, cancellation), cancellation);

    /// <summary>Whether a standby copy lies beside a live path, be it whole or not. Opens nothing.</summary>
    public static bool HasStandby(string livePath) => MarkerDirectory.HasStandby(Path.TrimEndingDirectorySeparator(Path.GetFullPath(livePath)));

    /// <summary>Gives up the standby copy, if there is one, and its disk space. Needs no shared storage.</summary>
    public void DropStandby(CancellationToken cancellation) => InTurn(
        () =>
        {
            _ = LoadMarker();
            _standby.Drop();
            _directory.CleanUp();
            return true;
        },
        cancellation);

    private FollowResult FollowInTurn(long toldOf, IProgress<RestoreProgress>? progress, CancellationToken cancellation)
    {
        var started = Stopwatch.GetTimestamp();
        RequireReplaceable(_live, Path.GetDirectoryName(_live)!);
        _archive.Layout.RequireHome();
        var marker = LoadMarker();
        LookAtLine(toldOf, cancellation);
        if (_headSeen is not { } head)
        {
            return new FollowResult.NotNeeded("the line has no dump yet");
        }

        if (marker.Content is { } origin && origin.Epoch == _lineSeenTo!.Epoch)
        {
            // Content is open under the newest claim: nobody may copy from it, and no copy is newer.
            return new FollowResult.NotNeeded($"{_live} itself is the newest content there is");
        }

        if (_standby.Load() is { ChangingTo: null, Dump: { } dump } && dump.Nonce == head.Nonce)
        {
            return new FollowResult.UpToDate(head);
        }

        _kept.Drop();
        RequireRoom(head);
        try
        {
            var fetched = BringStandbyTo(head, mayCopyLive: true, progress, cancellation);
            _hadNoRoom = false;
            return new FollowResult.Followed(head, Stopwatch.GetElapsedTime(started), fetched);
        }
        catch (IOException error) when (IsOutOfRoom(error))
        {
            // What runs on this disk needs the room more, and so does a takeover, be it only for its marker.
            _hadNoRoom = true;
            _standby.Drop();
            _directory.CleanUp();
            throw;
        }
    }

    /// <summary>Once the disk was full, a copy is begun only where all of it has room: it would be filled again and again.</summary>
    private void RequireRoom(DumpRecord head)
    {
        if (_hadNoRoom && _standby.Load() is null && new DriveInfo(_directory.Path).AvailableFreeSpace is var free && free < head.Content.Bytes)
        {
            throw new LocalContentException(
                $"There is no room beside {_live} for a standby copy: it needs {head.Content.Bytes} bytes, and {free} are free. "
                + "Make room, or do without: live.standby = none.");
        }
    }

    private static bool IsOutOfRoom(IOException error) =>
        (error is PosixException failed ? failed.Error : error.HResult) is PosixException.NoSpace or PosixException.Quota;

    /// <summary>Reads on in the log, as far as somebody said that it goes, or as far as can be seen.</summary>
    private void LookAtLine(long toldOf, CancellationToken cancellation)
    {
        if (_lineSeenTo is null)
        {
            var highest = Math.Max(toldOf, _archive.Log.HighestListed());
            if (highest == 0)
            {
                return;
            }

            _lineSeenTo = _archive.Log.Read(highest, cancellation);
            _headSeen = _archive.Log.LastDumpBefore(highest + 1, cancellation);
        }

        // A name that was looked for too early stays unseen for a while on a network file system: not beyond what is known to be there.
        while ((_lineSeenTo.Slot < toldOf ? _archive.Log.Read(_lineSeenTo.Slot + 1, cancellation) : toldOf > 0 ? null : _archive.Log.TryRead(_lineSeenTo.Slot + 1))
            is { } next)
        {
            if (LogRules.Objection(_lineSeenTo, next) is { } objection)
            {
                _lineSeenTo = null;
                throw new DamagedArchiveException(_archive.Log.FileOf(next.Slot), objection);
            }

            _lineSeenTo = next;
            _headSeen = next as DumpRecord ?? _headSeen;
        }
    }

    /// <summary>Makes the standby copy the tree of a dump, out of whatever it is; a copy that is right already costs a look at each file.</summary>
    /// <returns>Bytes read from the archive.</returns>
    private long BringStandbyTo(DumpRecord head, bool mayCopyLive, IProgress<RestoreProgress>? progress, CancellationToken cancellation)
    {
        try
        {
            return UpdateStandby(head, mayCopyLive, progress, cancellation);
        }
        catch (DamagedIndexException)
        {
            // Should it be the other one, that of the live content, this happens again, and the caller makes that anew.
            File.Delete(_standby.IndexFile);
            return UpdateStandby(head, mayCopyLive, progress, cancellation);
        }
    }

    private long UpdateStandby(DumpRecord head, bool mayCopyLive, IProgress<RestoreProgress>? progress, CancellationToken cancellation)
    {
        using var mark = _archive.Mark(head.Content);
        using var reader = _archive.NewReader();
        var manifest = ManifestOf(head, reader);
        var record = _standby.Load();
        _standby.CleanUp();
        record ??= _standby.Begin(head.Slot);
        var index = LocalIndex.TryOpen(_standby.IndexFile) is { } found && found.PageSeed == manifest.Head.PageSeed ? found : null;
        var was = index is not null && record.Dump is { } dump ? StandbyBasis(dump, head, cancellation) : null;
        var basis = was?.Content.Manifest.Pack == index?.Subject ? was : null;
        using var basisMark = basis is null ? null : _archive.Mark(basis.Content);
        var trusted = record.IsTrusted(MachineClock.BootId);
        var known = new KnownTree(index?.ReadOfAnyBoot() ?? [], trusted, HasMaps: basis is not null || index?.Subject == head.Content.Manifest.Pack);
        var indexes = new PageIndexes(_directory.Pages);
        var seenAt = _clock.Now();
        using var live = record.Dump is null && mayCopyLive && StateOfLocal() == LocalState.Present
            ? new LocalCopy(_live, RowsOfLive(manifest), indexes, manifest.Head.PageSeed, link: false)
            : null;
        using var disk = FileSystemSync.Before(_standby.Tree);
        using var stopping = new CancellationTokenSource();
        using var stop = cancellation.Register(stopping.Cancel);
        using var entries = new LocalIndex.Writer(_standby.EntriesFile);
        var paged = new HashSet<Digest>();
        using var updater = new TreeUpdater(reader, indexes, _standby.Tree, known, live is null ? null : new StableSource(live, seenAt), BeforeTouch);
        updater.Update(manifest, head.Content, Note, progress, stopping.Token);
        AtPoint("standby changed");
        if (!updater.Touched && record is { ChangingTo: null } && record.Dump?.Nonce == head.Nonce)
        {
            return reader.BytesRead;
        }

        stopping.Token.ThrowIfCancellationRequested();
        disk.Complete();
        AtPoint("standby synced");
        FillStandbyIndex(entries.Finish(manifest.Nonce, manifest.Head.PageSeed), index, stopping.Token);
        AtPoint("standby indexed");
        _standby.Save(record with { Dump = new StandbyDump(head.Slot, head.Nonce), ChangingTo = null, Boot = null, Doubted = false });
        AtPoint("standby whole");
        ForgetPagesBut(paged, indexes);
        return reader.BytesRead;

        void BeforeTouch()
        {
            if (record.Dump is not null)
            {
                stop.Unregister();
            }

            record = record with { ChangingTo = head.Slot, Boot = MachineClock.BootId, Doubted = !trusted };
            _standby.Save(record);
            AtPoint("standby changing");
        }

        void Note(ManifestEntry entry)
        {
            entries.Add(IndexRow.Unseen(entry));
            if (entry.Content is { Paged: true } content)
            {
                paged.Add(content.Digest);
            }
        }
    }

    /// <summary>The dump that the copy was, if it is still in the archive.</summary>
    private DumpRecord? StandbyBasis(StandbyDump dump, DumpRecord head, CancellationToken cancellation)
    {
        if (dump.Slot > head.Slot)
        {
            return null;
        }

        var later = _archive.Log.ReadFrom(dump.Slot, cancellation).ToList();
        return later is [DumpRecord found, ..] && found.Nonce == dump.Nonce && !later.OfType<PruneRecord>().Any(prune => prune.Prunes(dump.Slot)) ? found : null;
    }

    /// <summary>The identities of the files of the copy, taken once any later change would show.</summary>
    private void FillStandbyIndex(LocalIndex entries, LocalIndex? before, CancellationToken cancellation)
    {
        _clock.WaitUntilSettled(cancellation);
        using var index = new LocalIndex.Writer(_standby.IndexFile);
        using var rows = entries.Read().GetEnumerator();
        using var known = new KnownRows(before?.ReadOfAnyBoot() ?? []);
        foreach (var viewed in TreeView.Look(_standby.Tree, _mode, known, _clock).Entries(cancellation))
        {
            var isRow = rows.MoveNext();
            if (!isRow || rows.Current.Entry.Path != viewed.Path)
            {
                throw NotAsRestored(_standby.Tree, viewed.Path, isRow ? rows.Current.Entry.Path : null);
            }

            index.Add(new IndexRow(rows.Current.Entry, viewed.Identity, viewed.Settled, viewed.Sqlite, viewed.Log));
        }

        if (rows.MoveNext())
        {
            throw NotAsRestored(_standby.Tree, there: null, rows.Current.Entry.Path);
        }

        index.Finish(entries.Subject, entries.PageSeed);
        File.Delete(_standby.EntriesFile);
    }

    /// <summary>Deletes the hashes of pages that neither the copy nor the live content needs.</summary>
    private void ForgetPagesBut(HashSet<Digest> needed, PageIndexes indexes)
    {
        try
        {
            foreach (var row in _index?.Read() ?? [])
            {
                if (row.Entry.Content is { Paged: true } content)
                {
                    needed.Add(content.Digest);
                }
            }

            indexes.Keep(needed);
        }
        catch (DamagedIndexException)
        {
            // That of the live content, and not known before: what is too much goes with the next dump.
        }
    }

    /// <summary>
    /// Makes the standby copy the content of a dump and moves it to where content is staged. Where that fails for a reason that lies in the copy,
    /// there is none any more.
    /// </summary>
    /// <returns>Whether it lies there.</returns>
    private bool StageStandby(DumpRecord head, string staged, IProgress<RestoreProgress>? progress, CancellationToken cancellation)
    {
        if (_standby.Load() is not { } record)
        {
            return false;
        }

        if (record.Dump is null && StateOfLocal() == LocalState.Present)
        {
            // It never was whole, and holds less than content that once was the line's. What is restored out of that needs the room.
            _standby.Drop();
            _directory.CleanUp();
            return false;
        }

        try
        {
            _ = BringStandbyTo(head, mayCopyLive: false, progress, cancellation);
        }
        catch (Exception error) when (error is LocalContentException or UnauthorizedAccessException or IOException and not ArchiveException)
        {
            _standby.Drop();
            _directory.CleanUp();
            return false;
        }

        AtPoint("standby ready");
        Directory.Move(_standby.Tree, staged);
        AtPoint("standby staged");
        return true;
    }

    /// <summary>The copy is the live content now, and what was known of its files still holds.</summary>
    private void AdoptStandbyIndex()
    {
        // It is not synced: a power cut may have taken it.
        File.Delete(_directory.IndexFile);
        if (File.Exists(_standby.IndexFile))
        {
            File.Move(_standby.IndexFile, _directory.IndexFile);
        }

        _index = LocalIndex.TryOpen(_directory.IndexFile);
        _standby.Forget();
    }

    /// <summary>Content that is an older dump of the line, by the identities of its files, is not read to find out that it is not the head.</summary>
    private bool IsKnownToBeOlder(LineageMarker marker, DumpRecord head, CancellationToken cancellation) =>
        marker.Content is { DumpSlot: { } slot }
        && slot != head.Slot
        && _index is { } index
        && DumpAt(slot, cancellation) is { } basis
        && basis.Content.Manifest.Pack == index.Subject
        && IsUnchanged(index.Subject, _live, cancellation);
}
