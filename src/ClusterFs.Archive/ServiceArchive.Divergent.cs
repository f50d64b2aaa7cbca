using System.Security.Cryptography;
using ClusterFs.Archive.Lineage;
using ClusterFs.Archive.Log;
using ClusterFs.Archive.Manifests;
using ClusterFs.Archive.Packs;

namespace ClusterFs.Archive;

public sealed partial class ServiceArchive
{
    /// <summary>Content kept outside the line, oldest first.</summary>
    public IReadOnlyList<DivergentRecord> ListDivergent(CancellationToken cancellation)
    {
        Layout.RequireHome();
        return DivergentStore.List(Layout, Service, cancellation);
    }

    /// <summary>How kept content differs from the dump that it derives from, in the order of the paths, read as it is enumerated.</summary>
    /// <returns>`.` is the live directory itself. Everything is added where that dump is not known, or not in the archive any more.</returns>
    public IEnumerable<EntryChange> Compare(DivergentRecord kept, CancellationToken cancellation)
    {
        var basis = kept.BaseSlot is { } slot ? List(cancellation).OfType<DumpRecord>().FirstOrDefault(dump => dump.Slot == slot) : null;
        if (basis is not null && RootOf(basis.Content) != RootOf(kept.Content))
        {
            yield return new EntryChange(ChangeKind.Changed, ".", 0);
        }

        var entries = EntryChange.Between(basis is null ? [] : ReadEntries(basis.Content), ReadEntries(kept.Content), EntryChange.OfContent);
        foreach (var change in entries)
        {
            yield return change;
        }
    }

    /// <summary>
    /// Makes kept content the head of the line, after reading all of it back. Whoever owns the service finds out at its next dump, is finished as by
    /// a higher epoch, and keeps what it had written; the next takeover starts from the adopted content. The dumps before it stay as old as they
    /// are. Cut short, it has happened or not; a second call makes no second record.
    /// </summary>
    /// <returns>The record that stands in the line.</returns>
    /// <exception cref="DamagedArchiveException">The content is not what was kept.</exception>
    /// <exception cref="LocalContentException">It was discarded meanwhile, or adopted and is not the head any more.</exception>
    public DumpRecord Adopt(DivergentRecord kept, CancellationToken cancellation)
    {
        Layout.RequireHome();

        // It stays: whoever prunes may have read the line before the record was in it, and looks for marks afterwards.
        using var mark = Mark(kept.Content);
        mark.Stays = true;
        if (DivergentStore.TryRead(Layout, Service, kept.Id) is null)
        {
            throw new LocalContentException($"{kept.Id} of {Service} is gone: it was discarded or adopted.");
        }

        if (Verify(kept.Content, cancellation).Damages is [var damage, ..])
        {
            throw new DamagedArchiveException(Root, $"{kept.Id} is not what was kept: {damage}");
        }

        var nonce = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(PackFormat.NonceLength / 2));
        LogRecord? newest = null;
        DumpRecord? head = null;
        DumpRecord? adopted = null;
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();

            // All of it once, then only what is new: the owner of a long log dumps again before it is read anew.
            foreach (var record in Log.ReadFrom(newest?.Slot ?? 1, cancellation))
            {
                newest = record;
                head = record as DumpRecord ?? head;
                adopted = record is DumpRecord { Adopts: { } id } dump && id == kept.Id ? dump : adopted;
            }

            if (adopted is not null && !Log.Proves(adopted, cancellation))
            {
                // What an earlier call left under a name that had been freed.
                (newest, head, adopted) = (null, null, null);
                continue;
            }

            if (adopted is not null)
            {
                // An earlier call, which did not come to the list, and may not have come to make the record durable.
                Log.Sync();
                DivergentStore.Retire(Layout, kept);
                return adopted == head
                    ? adopted
                    : throw new LocalContentException($"{kept.Id} of {Service} was adopted before, as dump #{adopted.Slot}, and the line went on from there.");
            }

            // In the name of the newest epoch, whose owner's next dump would take the slot.
            var (slot, epoch, node) = newest is null
                ? throw new DamagedArchiveException(Layout.Log, "it is empty, though content of its service was kept")
                : (newest.Slot + 1, newest.Epoch, newest.Node);
            var draft = new DumpRecord(Service, slot, nonce, epoch, node, Now, kept.Content) { Adopts = kept.Id };
            if (Log.Append(draft, cancellation).Nonce == nonce)
            {
                DivergentStore.Retire(Layout, kept);
                return draft;
            }
        }
    }

    /// <summary>
    /// Lets go of kept content for good, also on the node that still holds it. Its space is freed by a later <see cref="Prune"/>. A second call
    /// changes nothing.
    /// </summary>
    public void Discard(DivergentRecord kept)
    {
        Layout.RequireHome();
        DivergentStore.Retire(Layout, kept);
    }

    private RootAttributes RootOf(StoredContent content)
    {
        using var mark = Mark(content);
        using var reader = NewReader();
        return Manifest.Open(reader, content.Manifest, Service).Root;
    }
}
