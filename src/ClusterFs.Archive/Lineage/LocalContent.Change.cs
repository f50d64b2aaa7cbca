using ClusterFs.Archive.Capture;
using ClusterFs.Archive.Log;
using ClusterFs.Archive.Manifests;
using ClusterFs.Archive.Packs;
using ClusterFs.Archive.Restore;
using ClusterFs.Posix;

namespace ClusterFs.Archive.Lineage;

public sealed partial class LocalContent
{
    /// <summary>Why the newest restore did not change what was there; null where it did, or there was nothing.</summary>
    private string? _whyBuilt;

    /// <summary>
    /// Makes the live tree that of a dump, where little differs: all that takes is staged and synced, then announced in the marker, and only then is the tree
    /// touched. Whatever comes after that completes it, once the tree is away from the live path.
    /// </summary>
    /// <returns>False where building another tree is as good; nothing has changed then.</returns>
    private bool TryChange(
        LineageMarker marker,
        ContentOrigin? origin,
        DumpRecord head,
        Manifest manifest,
        PackReader reader,
        IProgress<RestoreProgress>? progress,
        CancellationToken cancellation)
    {
        var changing = _directory.Changing;
        using var stage = new ChangeStage(changing, LimitsOf(head.Content));
        using var seenEntries = new SeenEntries(changing.SeenEntriesFile);
        var own = new OwnChanges(_clock);
        try
        {
            // Before the first byte is staged: it is told of errors from then on. What the service wrote and did not sync is made durable too.
            using var disk = FileSystemSync.Before(_live);
            var seenAt = _clock.Now();
            var indexes = new PageIndexes(_directory.Pages);
            using var copy = new LocalCopy(_live, RowsOfLive(manifest), indexes, manifest.Head.PageSeed, link: false);
            var planner = new ChangePlanner(reader, indexes, copy, _live, stage, changing, seenEntries);
            if (planner.TryPlan(manifest, head.Content, seenAt, progress, cancellation) is not { } plan)
            {
                _whyBuilt = planner.Objection;
                changing.CleanUp();
                return false;
            }

            var written = stage.Finish(plan);
            AtPoint("staged");
            disk.Complete();
            AtPoint("planned");
            if (!stage.HasBases)
            {
                _whyBuilt = "another process came to a file of it meanwhile";
                changing.CleanUp();
                return false;
            }

            var change = new PendingChange(FileStatus.TryRead(_live)!.Value.Inode, origin, ChangePlan.DigestOf(written).ToString());
            _directory.Save(marker.With(change));
            AtPoint("announced");
            if (!ChangeInPlace.TryBegin(_directory, _live, change, plan, stage, own, AtPoint))
            {
                SaveOrRemove(marker.With(null));
                changing.CleanUp();
                return false;
            }
        }
        catch (Exception error) when (_directory.Load(_archive.Service, _node)?.Change is null && FileStatus.TryRead(changing.Tree) is null)
        {
            changing.CleanUp();
            if (error is UnauthorizedAccessException || (error is IOException failed and not ArchiveException && !IsOutOfRoom(failed)))
            {
                // Something of the tree cannot be read, or is not any more what was seen: where it is only copied from, that does not matter.
                return false;
            }

            throw;
        }

        SaveOrRemove(marker.With(null) with { Content = origin, Pending = null, Swap = null, Kept = null });
        AtPoint("opened");
        if (own.LastAt is null)
        {
            // There may have been no room for a stamp. Whoever waits for a file comes to it once it is let go, and must not pass for this process.
            _directory.CleanUp();
            _clock.WaitUntilSettled(cancellation);
        }

        foreach (var (path, identity) in stage.Identities)
        {
            seenEntries.Change(path, identity);
        }

        stage.Dispose();
        _directory.CleanUp();
        FillIndex(manifest, RowsOfLive(manifest), seenEntries, own, cancellation);
        return true;
    }

    /// <summary>
    /// The identities of a tree that was changed in place. What was not touched, and was known, still is what it was, and is not looked at.
    /// </summary>
    /// <param name="before">Rows of the tree as it was.</param>
    /// <param name="seenEntries">What was seen at each entry of the manifest while the change was planned.</param>
    /// <param name="own">What it does not explain, another process has changed.</param>
    private void FillIndex(
        Manifest manifest, IEnumerable<IndexRow> before, SeenEntries seenEntries, OwnChanges own, CancellationToken cancellation)
    {
        var seenAt = _clock.Now();
        own.BeginLook(seenAt);
        using var index = new LocalIndex.Writer(_directory.IndexFile);
        using var rows = new KnownRows(before);
        var walk = seenEntries.Again();
        foreach (var entry in manifest.Entries())
        {
            cancellation.ThrowIfCancellationRequested();
            var row = rows.Find(entry.Path);
            var isKnown = walk.IsKnown(entry.Path, out var wasRight);
            index.Add(isKnown && row is { Sqlite: false } ? row with { Entry = entry } : RowOf(entry, row, isKnown ? row?.Identity : wasRight, own, seenAt));
        }

        _index = index.Finish(manifest.Nonce, manifest.Head.PageSeed);
    }

    /// <param name="before">What was known of the path.</param>
    /// <param name="wasRight">What the path was when it was known to be right.</param>
    private IndexRow RowOf(ManifestEntry entry, IndexRow? before, FileIdentity? wasRight, OwnChanges own, long seenAt)
    {
        var path = Path.Combine(_live, entry.Path);
        if (FileStatus.TryRead(path) is not { } status || status.Kind != entry.Kind)
        {
            throw NotAsRestored(_live, there: null, entry.Path);
        }

        var sqlite = status is { Kind: FileKind.File, Size: > 0 } && IsDatabase(path, before, entry);
        FileStatus? log = sqlite && FileStatus.TryRead(path + SqliteFiles.Log) is { Size: > 0 } written ? written : null;
        var isRight = wasRight is { } right ? right == FileIdentity.Of(status) : own.Explains(status, entry);
        var isLogRight = log is not { } held || own.Explains(held);
        var settled = isRight && isLogRight && own.IsSettled(status, seenAt);
        return new IndexRow(entry, FileIdentity.Of(status), settled, sqlite, log is { } found ? FileIdentity.Of(found) : default);
    }

    private static bool IsDatabase(string path, IndexRow? before, ManifestEntry entry) =>
        before?.Entry.Content is { } had && entry.Content is { } has && (had.Digest, had.Paged) == (has.Digest, has.Paged)
            ? before.Sqlite
            : SqliteFiles.IsDatabase(path);
}
