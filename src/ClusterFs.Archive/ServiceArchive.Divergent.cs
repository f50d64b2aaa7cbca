using System.Security.Cryptography;
using ClusterFs.Archive.Lineage;
using ClusterFs.Archive.Log;
using ClusterFs.Archive.Packs;
using ClusterFs.Archive.Retention;

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
    /// <returns>Everything is added where that dump is not known, or not in the archive any more.</returns>
    public IEnumerable<EntryChange> Compare(DivergentRecord kept, CancellationToken cancellation)
    {
        var basis = kept.BaseSlot is { } slot ? List(cancellation).OfType<DumpRecord>().FirstOrDefault(dump => dump.Slot == slot) : null;
        return EntryChange.Between(basis is null ? [] : ReadEntries(basis.Content), ReadEntries(kept.Content));
    }

    /// <summary>
    /// Makes kept content the head of the line, after reading all of it back. Whoever owns the service finds out at its next dump, is finished as by
    /// a higher epoch, and keeps what it had written; the next takeover starts from the adopted content. The dumps before it stay as old as they
    /// are. Cut short, it has happened or not; a second call for the head itself changes nothing.
    /// </summary>
    /// <returns>The record that stands in the line.</returns>
    /// <exception cref="DamagedArchiveException">The content is not what was kept.</exception>
    /// <exception cref="LocalContentException">It was discarded or adopted meanwhile.</exception>
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
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            var line = Line.Of(Log.ReadFrom(1, cancellation));
            var newest = line.Newest ?? throw new DamagedArchiveException(Layout.Log, "it is empty, though content of its service was kept");
            if (line.Dumps is [.., { Adopts: { } id } head] && id == kept.Id)
            {
                DivergentStore.Retire(Layout, kept);
                return head;
            }

            // In the name of the newest epoch, whose owner's next dump would take the slot.
            var record = new DumpRecord(Service, newest.Slot + 1, nonce, newest.Epoch, newest.Node, Now, kept.Content) { Adopts = kept.Id };
            if (Log.Append(record, cancellation).Nonce == nonce)
            {
                DivergentStore.Retire(Layout, kept);
                return record;
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
}
