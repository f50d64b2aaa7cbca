using System.Diagnostics;
using ClusterFs.Archive.Capture;
using ClusterFs.Archive.Log;
using ClusterFs.Archive.Manifests;
using ClusterFs.Archive.Packs;
using ClusterFs.Archive.Threads;

namespace ClusterFs.Archive.Lineage;

public sealed partial class LocalContent
{
    /// <summary>Captures the live content and commits it to the line, while the service may be writing. Writes nothing if nothing has changed.</summary>
    /// <param name="epoch">The epoch that <see cref="TakeOver"/> opened the content under.</param>
    /// <param name="ended">
    /// Whether the service has ended: then no hook and no command of its is run, and its files are taken as they lie there.
    /// </param>
    /// <exception cref="LocalContentException">
    /// The content is not open under this epoch, a file cannot be read, a hook or command of the capture failed, or another process of this node
    /// dumps under the same epoch.
    /// </exception>
    public DumpResult Dump(long epoch, CancellationToken cancellation, bool ended = false) =>
        InTurn(
            () =>
            {
                // First of all, because the service may need the room while shared storage is away.
                _kept.CleanUp();
                return DumpInTurn(epoch, ended, cancellation);
            },
            cancellation);

    private DumpResult DumpInTurn(long epoch, bool ended, CancellationToken cancellation)
    {
        var started = Stopwatch.GetTimestamp();
        _archive.Layout.RequireHome();
        var marker = LoadMarker();
        if (marker.Content is not { } origin || origin.Epoch != epoch)
        {
            throw new LocalContentException(
                $"{_live} is not open under epoch {epoch} but under {marker.Content?.Epoch.ToString() ?? "none"}. Take over with epoch {epoch} first.");
        }

        var (caughtUp, supersededBy, ahead) = CatchUp(origin, cancellation);
        if (caughtUp != origin)
        {
            marker = marker with { Content = caughtUp };
            _directory.Save(marker);
        }

        if (supersededBy is not null)
        {
            return new DumpResult.Superseded(supersededBy);
        }

        if (ahead is not null)
        {
            throw new LocalContentException(
                $"{_live} is older than the line: its epoch {epoch} has dumps up to slot {ahead.Slot}, and it knows of none after {origin.LastSlot}. "
                + $"Was its disk put back? Take over with epoch {epoch} again.");
        }

        var basis = caughtUp.Rewound ? UnprunedDumpAt(caughtUp.DumpSlot, cancellation) : DumpAt(caughtUp.DumpSlot, cancellation);
        using var reader = _archive.NewReader();
        var root = AttributesOfRoot();

        // Under another key, all of it is stored anew: what one key gave away is out of the archive when the older dumps are pruned.
        var key = basis is null ? null : KeyOf(basis, reader);
        if (key is not null && _archive.Keys is null)
        {
            throw new ArchiveKeyException($"The archive in {_archive.Root} is encrypted. Without its keys (shared.key-file, or --key-file) nothing is added to it.");
        }

        var sameKey = basis is not null && key == _archive.Keys?.First.Id;
        var mayBeUnchanged = sameKey && HeadOf(basis!, reader).Root == root && !caughtUp.Rewound;
        using var workers = ended ? null : new YieldingThreads();
        T Led<T>(Func<T> work) => workers is null ? work() : workers.Lead(work);
        bool IsBasis(string tree) => mayBeUnchanged && Led(() => IsUnchanged(basis!.Content.Manifest.Pack, tree, cancellation));
        if ((ended || _preparation.FilesTell) && IsBasis(_live))
        {
            return new DumpResult.Unchanged(basis!);
        }

        using var source = _preparation.Prepare(epoch, ended, cancellation);
        AtPoint("prepared");
        if (source.Quiescence is not null && IsBasis(source.Root))
        {
            source.EndReading();
            return new DumpResult.Unchanged(basis!);
        }

        var nonce = NewNonce();
        using var pack = _archive.NewPack(nonce, workers);
        using var keeping = KeepingFor(source, sameKey ? basis : null);
        using var captured = Led(() =>
        {
            AtPoint("reading");
            return Capture(source, pack, reader, sameKey ? ManifestOf(basis!, reader) : null, keeping, null, cancellation);
        });
        source.EndReading();
        if (mayBeUnchanged && !captured.Differs)
        {
            if (keeping is { IsOfUse: true })
            {
                SyncLive(_live);
            }

            Adopt(captured, source, keeping, basis!.Content.Manifest.Pack);
            return new DumpResult.Unchanged(basis);
        }

        AtPoint("captured");

        // Once the dump is committed, lineage calls this content at least as new as the dump. After a power cut it must still be.
        SyncLive(_live);
        var head = new ManifestRoot(_archive.Service, nonce, root, captured.PageSeed, captured.Level, captured.List);
        var location = Led(() => pack.Publish(head.Write(), cancellation));
        AtPoint("pack published");
        var content = new StoredContent(location, captured.Files, captured.Bytes, pack.StoredBytes, captured.Guarantee);
        var record = new DumpRecord(_archive.Service, caughtUp.LastSlot + 1, nonce, epoch, _node, _archive.Now, content);
        var taken = _archive.Log.Commit(record, cancellation);
        while (taken.Outcome == SlotOutcome.WalkOn)
        {
            // Somebody pruned. At no time is there more than one dump after the slot that the marker names.
            caughtUp = caughtUp with { LastSlot = taken.Record.Slot, LastNonce = taken.Record.Nonce };
            _directory.Save(marker with { Content = caughtUp });
            if (basis is not null && ((PruneRecord)taken.Record).Prunes(basis.Slot))
            {
                DeletePack(nonce);
                throw new LocalContentException($"Slot {basis.Slot}, which {_live} derives from, was pruned while it was dumped. Dump again.");
            }

            record = record with { Slot = caughtUp.LastSlot + 1 };
            taken = _archive.Log.Commit(record, cancellation);
        }

        AtPoint("committed");
        if (taken.Outcome != SlotOutcome.Mine)
        {
            DeletePack(nonce);
            return taken.Outcome == SlotOutcome.Superseded
                ? new DumpResult.Superseded(taken.Record)
                : throw new LocalContentException(
                    $"Slot {taken.Record.Slot} was taken by another dump of epoch {taken.Record.Epoch} by {taken.Record.Node}: two daemons use one node name.");
        }

        _head = head;
        _headKey = (nonce, _archive.Keys?.First.Id);
        Adopt(captured, source, keeping, nonce);
        _directory.Save(marker with { Content = caughtUp with { DumpSlot = record.Slot, LastSlot = record.Slot, LastNonce = nonce, Rewound = false }, Kept = null });
        return new DumpResult.Committed(record, Stopwatch.GetElapsedTime(started));
    }

    /// <summary>A copy's files are not those of the next one.</summary>
    private FileKeeping? KeepingFor(CaptureSource source, DumpRecord? basis) => source.IsCopy || !_keepsBlocks
        ? null
        : new FileKeeping(_kept, basis?.Content.Manifest.Pack, KeptFrom) { IsSnapshot = source.IsSnapshot, TakenOver = TakenOver };

    private void DeletePack(string nonce) => SharedStorage.Reach(_archive.Layout.Packs, () => File.Delete(_archive.Layout.Pack(nonce)));
}
