using ClusterFs.Archive.Lineage;
using ClusterFs.Archive.Log;
using ClusterFs.Archive.Packs;

namespace ClusterFs.Archive.Retention;

/// <summary>
/// Deletes the packs of dumps that were pruned, and of kept content that was discarded, long enough ago, as far as nothing refers to them: no dump
/// that stays, no content kept outside the line, and nothing that somebody is reading. A pack that is in doubt stays. May be cut short at any point,
/// and be done by several at once.
/// </summary>
/// <param name="grace">From the record that says so to the deletion, by the clock of the storage.</param>
internal sealed class Sweep(ServiceArchive archive, TimeSpan grace)
{
    /// <summary>A reader renews its mark every minute.</summary>
    private static readonly TimeSpan OldMark = TimeSpan.FromMinutes(10);

    /// <summary>A bundle is written anew for the sake of so large a part of it.</summary>
    private const double WorthRewriting = 0.25;

    /// <returns>Bytes that were freed, and how many dumps were pruned too short a time ago.</returns>
    public (long FreedBytes, int Waiting) Run(CancellationToken cancellation) => SharedStorage.Reach(archive.Layout.Packs, () =>
    {
        // In this order, however long anything in between may hang. No age is taken for more than it was when the lists were read. Whoever keeps
        // content on top of a dump leaves a mark of it first, and the mark stays when the content is there. What is adopted goes from the kept
        // content into the line, and is in the line before it is gone: read the other way round, it could be missed in both.
        var clock = new StorageClock(archive.Layout);
        var left = Leftovers.Delete(archive.Layout, clock);
        var gone = DivergentStore.ListGone(archive.Layout, archive.Service, cancellation)
            .ToLookup(kept => clock.AgeOf(kept.File) is { } age && age >= grace, kept => kept.Record.Content);
        var read = ReadersMark.List(archive.Layout, clock, OldMark);
        var divergent = DivergentStore.List(archive.Layout, archive.Service, cancellation);
        var line = Line.Of(archive.Log.ReadFrom(1, cancellation));
        var ripe = line.Pruned.GroupBy(pruned => pruned.By).ToLookup(
            group => clock.AgeOf(archive.Log.FileWith(group.Key.Slot)) is { } age && age >= grace, group => group.Select(pruned => pruned.Dump));
        var waiting = ripe[false].SelectMany(dumps => dumps).ToList();
        var candidates = ripe[true].SelectMany(dumps => dumps.Select(dump => dump.Content)).Concat(gone[true])
            .DistinctBy(content => content.Manifest.Pack)
            .ToDictionary(content => PackId.Parse(content.Manifest.Pack));
        var present = archive.Packs.Own().Concat(archive.Packs.Bundles().Values.SelectMany(table => table.Select(pack => pack.Pack))).ToHashSet();
        var dead = candidates.Keys.Where(present.Contains).ToHashSet();
        if (dead.Count == 0)
        {
            return (left, waiting.Count);
        }

        dead.ExceptWith(ReferredTo(
            [.. line.Dumps.Concat(waiting).Select(dump => dump.Content), .. gone[false], .. divergent.Select(kept => kept.Content)],
            [.. read.Where(candidates.ContainsKey).Select(manifest => candidates[manifest])],
            cancellation));
        return (left + (dead.Count == 0 ? 0 : Delete(dead, cancellation)), waiting.Count);
    });

    private IReadOnlySet<PackId> ReferredTo(List<StoredContent> staying, List<StoredContent> read, CancellationToken cancellation)
    {
        using var reader = archive.NewReader();
        var references = new PackReferences(reader, archive.Service);
        foreach (var content in staying)
        {
            references.Add(content, cancellation);
        }

        foreach (var content in read)
        {
            try
            {
                references.Add(content, cancellation);
            }
            catch (DamagedArchiveException)
            {
                // Whoever reads it came too late, and has heard so.
            }
        }

        return references.Packs;
    }

    private long Delete(HashSet<PackId> dead, CancellationToken cancellation)
    {
        var freed = 0L;
        foreach (var pack in dead)
        {
            freed += Remove(archive.Layout.Pack(pack.ToString()));
        }

        foreach (var (bundle, table) in archive.Packs.Bundles())
        {
            cancellation.ThrowIfCancellationRequested();
            var gone = table.Where(pack => dead.Contains(pack.Pack)).Sum(pack => pack.Length);
            if (table.All(pack => dead.Contains(pack.Pack)))
            {
                freed += Remove(bundle);
            }
            else if (gone > table.Sum(pack => pack.Length) * WorthRewriting)
            {
                Rewrite(bundle, dead, cancellation);
                Remove(bundle);
                freed += gone;
            }
        }

        return freed;
    }

    private void Rewrite(string bundle, HashSet<PackId> dead, CancellationToken cancellation)
    {
        var nonce = Guid.NewGuid().ToString("N");
        var temporary = archive.Layout.NewTemporary(nonce);
        try
        {
            using (var writer = new BundleWriter(temporary))
            {
                writer.Append(bundle, cancellation, pack => !dead.Contains(pack));
                writer.Finish();
                writer.Verify(bundle, cancellation);
            }

            SharedStorage.Publish(temporary, archive.Layout.Bundle(nonce, BundleFormat.LevelOf(bundle)));
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    private static long Remove(string file)
    {
        var info = new FileInfo(file);
        var length = info.Exists ? info.Length : 0;
        File.Delete(file);
        return length;
    }
}
