using ClusterFs.Archive.Capture;
using ClusterFs.Archive.Log;
using ClusterFs.Archive.Manifests;
using ClusterFs.Archive.Packs;
using ClusterFs.Archive.Restore;
using ClusterFs.Posix;

namespace ClusterFs.Archive.Lineage;

public sealed partial class LocalContent
{
    /// <summary>
    /// Claims an epoch in the archive and makes the local content the one to go on with: kept where lineage proves it, restored otherwise.
    /// Content that is not in the line is kept as divergent before it is replaced. No process may use the live path meanwhile. Calling it
    /// again for the same epoch, also after a crash at any point, ends in the same state.
    /// </summary>
    /// <param name="epoch">Granted to this node; above 0.</param>
    /// <exception cref="OperationCanceledException">Cancelled; the epoch may have been claimed. Call again to go on.</exception>
    public TakeOverResult TakeOver(long epoch, IProgress<RestoreProgress>? progress, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(epoch, 1);
        return InTurn(() => TakeOverInTurn(epoch, progress, cancellation), cancellation);
    }

    private TakeOverResult TakeOverInTurn(long epoch, IProgress<RestoreProgress>? progress, CancellationToken cancellation)
    {
        RequireReplaceable(_live, Path.GetDirectoryName(_live)!);
        _preparation.PutInOrder();
        _archive.Layout.CreateDirectories();
        var hadMarker = _directory.HasMarker;
        var marker = LoadMarker();
        if (marker.Content is { } current && current.Epoch == epoch)
        {
            return Resume(marker, current, progress, cancellation);
        }

        // A marker that is only a pending claim says of the content what was known when the claim began.
        hadMarker = marker.Content is not null || (marker.Pending?.AfterMarker ?? hadMarker);
        if (marker.Pending?.Epoch != epoch)
        {
            marker = marker with { Pending = new PendingClaim(epoch, NewNonce(), hadMarker) };
            _directory.Save(marker);
        }

        var draft = new ClaimRecord(_archive.Service, 0, marker.Pending!.Nonce, epoch, _node, _archive.Now);
        var taken = _archive.Log.Claim(draft, marker.Content?.LastSlot ?? 0, cancellation);
        AtPoint("claimed");
        if (taken.Outcome != SlotOutcome.Mine)
        {
            return new TakeOverResult.Superseded(taken.Record);
        }

        return Prepare((ClaimRecord)taken.Record, marker, hadMarker, progress, cancellation);
    }

    /// <summary>The content is open under this epoch already: the daemon was restarted, or the caller repeats itself.</summary>
    private TakeOverResult Resume(
        LineageMarker marker, ContentOrigin origin, IProgress<RestoreProgress>? progress, CancellationToken cancellation)
    {
        var (_, supersededBy, ahead) = CatchUp(origin, cancellation);
        if (supersededBy is not null)
        {
            return new TakeOverResult.Superseded(supersededBy);
        }

        var claim = (ClaimRecord)_archive.Log.Read(origin.ClaimSlot, cancellation);
        if (ahead is not null)
        {
            return Install(claim, marker, ahead, StateOfLocal(), progress, cancellation);
        }

        var head = _archive.Log.LastDumpBefore(claim.Slot, cancellation);
        return new TakeOverResult.Ready(claim, ContentBasis.KeptByLineage, head, null, $"epoch {origin.Epoch} had been taken over here before");
    }

    private TakeOverResult.Ready Prepare(
        ClaimRecord claim, LineageMarker marker, bool hadMarker, IProgress<RestoreProgress>? progress, CancellationToken cancellation)
    {
        var head = _archive.Log.LastDumpBefore(claim.Slot, cancellation);
        var before = claim.Slot > 1 ? _archive.Log.Read(claim.Slot - 1, cancellation) : null;
        var opened = marker.Content is { } origin && origin.ClaimSlot < claim.Slot ? _archive.Log.Read(origin.ClaimSlot, cancellation) : null;
        var proven = LineageRules.IsProven(marker.Content, before, opened, head);
        var local = StateOfLocal();
        var plan = LineageRules.Decide(proven, hadMarker, head is not null, local);
        switch (plan)
        {
            case TakeOverPlan.Keep:
                Open(marker, claim, head);
                return new TakeOverResult.Ready(
                    claim, ContentBasis.KeptByLineage, head, null, $"this node held epoch {before!.Epoch}, and nobody claimed since: its content is the newest");
            case TakeOverPlan.Adopt:
                Open(marker, claim, head);
                return new TakeOverResult.Ready(
                    claim, ContentBasis.Adopted, null, null, $"the line has no dump yet: the data found in {_live} becomes its first content");
            default:
                return Install(claim, marker, head, local, progress, cancellation);
        }
    }

    /// <summary>Puts the head of the line, or nothing, in the place of content that is not proven.</summary>
    private TakeOverResult.Ready Install(
        ClaimRecord claim,
        LineageMarker marker,
        DumpRecord? head,
        LocalState local,
        IProgress<RestoreProgress>? progress,
        CancellationToken cancellation)
    {
        if (head is not null && local == LocalState.Present && !IsKnownToBeOlder(marker, head, cancellation) && IsEqualTo(head, cancellation))
        {
            Open(marker, claim, head);
            return new TakeOverResult.Ready(
                claim, ContentBasis.EqualToHead, head, null, $"the content of {_live} is that of the newest dump, slot {head.Slot}");
        }

        var reason = $"{claim.Node} took over with epoch {claim.Epoch}, and its content was not in the line";
        var (kept, keptMarker) = local == LocalState.Present ? KeepIfDivergent(marker, reason, cancellation) : (null, marker);
        AtPoint("kept");
        var warm = Replace(keptMarker, claim.Nonce, OriginOf(claim, head), head, mayUseStandby: true, progress, cancellation);
        var source = warm ? "the standby copy, brought to" : "restored from";
        var outside = kept is null ? string.Empty : $"; what {_live} held beyond the line is kept as {kept.Id}";
        var built = _whyBuilt is { } why ? $", as a new tree: {why}" : string.Empty;
        return head is null
            ? new TakeOverResult.Ready(claim, ContentBasis.Empty, null, kept, $"the line has no dump yet: {_live} starts empty{outside}")
            : new TakeOverResult.Ready(claim, ContentBasis.Restored, head, kept, $"{source} the newest dump, slot {head.Slot}{built}{outside}");
    }

    /// <summary>The content is right: from here on it is open under the new claim.</summary>
    private void Open(LineageMarker marker, ClaimRecord claim, DumpRecord? head)
    {
        AtPoint("content ready");
        _directory.Save(marker with { Content = OriginOf(claim, head), Pending = null, Swap = null });
        AtPoint("opened");
        _standby.Drop();
    }

    private static ContentOrigin OriginOf(ClaimRecord claim, DumpRecord? head) =>
        new(claim.Epoch, claim.Slot, claim.Nonce, head?.Slot, Math.Max(claim.Slot, head?.Slot ?? 0));

    private bool IsEqualTo(DumpRecord head, CancellationToken cancellation)
    {
        using var reader = _archive.NewReader();
        var manifest = ManifestOf(head, reader);
        if (!IsRootOf(manifest))
        {
            return false;
        }

        using var index = new LocalIndex.Writer(_directory.IndexFile);
        var match = new ContentMatch(_live, _directory.Scratch);
        if (!match.Matches(() => Look(_mode, manifest), manifest, times: true, index.Add, cancellation))
        {
            return false;
        }

        _index = index.Finish(manifest.Nonce, manifest.Head.PageSeed);
        return true;
    }

    /// <summary>Owners count where this process could have set them.</summary>
    private bool IsRootOf(Manifest manifest)
    {
        var root = AttributesOfRoot();
        return root.Mode == manifest.Root.Mode && Equals(root.Attributes, manifest.Root.Attributes) && (!Processes.IsRoot || root == manifest.Root);
    }

    /// <summary>
    /// Puts the content of a dump, or an empty directory, in the place of the live one: by changing that, where little differs; otherwise by building it beside
    /// the live one, out of that where it has the right bytes, and exchanging the two.
    /// </summary>
    /// <param name="name">Of a staged directory; made up for this exchange.</param>
    /// <param name="origin">Of the new content; null when no epoch opened it.</param>
    /// <param name="mayUseStandby">Whether the standby copy may become the content.</param>
    /// <returns>Whether it did.</returns>
    private bool Replace(
        LineageMarker marker,
        string name,
        ContentOrigin? origin,
        DumpRecord? head,
        bool mayUseStandby,
        IProgress<RestoreProgress>? progress,
        CancellationToken cancellation)
    {
        var staged = Path.Combine(_directory.Staging, name);

        _whyBuilt = null;

        // It is of files that go, and what comes needs the room.
        _kept.Drop();
        if (mayUseStandby && head is not null && StageStandby(head, staged, progress, cancellation))
        {
            Exchange(marker, name, origin, staged, static () => { });
            AdoptStandbyIndex();
            return true;
        }

        using var mark = head is null ? null : _archive.Mark(head.Content);
        using var reader = _archive.NewReader();
        var manifest = head is null ? null : ManifestOf(head, reader);
        if (manifest is not null && StateOfLocal() == LocalState.Present && TryChange(marker, origin, head!, manifest, reader, progress, cancellation))
        {
            if (mayUseStandby)
            {
                _standby.Drop();
                _directory.CleanUp();
            }

            return false;
        }

        Directory.CreateDirectory(staged, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        if (manifest is not null)
        {
            manifest.Check();
            var indexes = new PageIndexes(_directory.Pages);
            using var copy = new LocalCopy(_live, RowsOfLive(manifest), indexes, manifest.Head.PageSeed, link: true);
            new TreeRestorer(reader, indexes, copy).Restore(manifest, head!.Content, staged, progress, cancellation);
            AtPoint("restored");
        }
        else if (FileStatus.TryRead(_live) is { } old)
        {
            TreeRestorer.AttributeRoot(staged, RootAttributes.Read(_live, old));
        }

        var own = new OwnChanges(_clock);
        own.End();
        Exchange(marker, name, origin, staged, own.AwaitOthers);
        if (mayUseStandby)
        {
            _standby.Drop();
        }

        _directory.CleanUp(own.Release);
        AtPoint("cleaned up");
        own.EndRelease();
        if (manifest is not null)
        {
            // Only now: a file that was also the old tree's has changed its identity when that was deleted.
            FillIndex(manifest, RowsOfLive(manifest), own, cancellation);
        }
        else
        {
            File.Delete(_directory.IndexFile);
            _index = null;
        }

        return false;
    }

    /// <summary>Puts a staged tree, whole and durable, in the place of the live one.</summary>
    /// <param name="handOver">Called right before others may have it.</param>
    private void Exchange(LineageMarker marker, string name, ContentOrigin? origin, string staged, Action handOver)
    {
        Durable.SyncDirectory(staged);
        Durable.SyncDirectory(_directory.Staging);
        var inode = FileStatus.TryRead(staged)!.Value.Inode;
        _directory.Save(marker with { Swap = new PendingSwap(name, inode, origin) });
        AtPoint("announced");
        handOver();
        TreeSwap.Exchange(_directory, _live, name, AtPoint);
        AtPoint("swapped");
        SaveOrRemove(marker with { Content = origin, Pending = null, Swap = null, Kept = null });
        AtPoint("opened");
    }

    /// <summary>What is known of the files that lie there, whichever dump the index is of.</summary>
    private IEnumerable<IndexRow> RowsOfLive(Manifest manifest) =>
        _index is { } index && index.PageSeed == manifest.Head.PageSeed ? index.Read() : [];

    /// <summary>The identities of a tree just restored, taken once any later change would show: the first dump then reads only what changed.</summary>
    /// <param name="before">Rows of the tree that was there before: what is a database need not be found out anew for a content that it had too.</param>
    /// <param name="own">What it does not explain, another process has changed: the next dump reads that.</param>
    private void FillIndex(Manifest manifest, IEnumerable<IndexRow> before, OwnChanges own, CancellationToken cancellation)
    {
        _clock.WaitUntilPast(own.LastAt ?? _clock.Now(), cancellation);
        var seenAt = _clock.Now();
        own.BeginLook(seenAt);
        using var index = new LocalIndex.Writer(_directory.IndexFile);
        using var entries = manifest.Entries().GetEnumerator();
        using var rows = new KnownRows(before);
        var view = new TreeView(_live, _mode, rows, seenAt, IsDatabase);
        using var found = view.Entries(cancellation).GetEnumerator();
        while (true)
        {
            // The manifest goes ahead: what is found next is asked about while it is being found.
            var isEntry = entries.MoveNext();
            var isFound = found.MoveNext();
            if (!isEntry && !isFound)
            {
                break;
            }

            if (!isEntry || !isFound || entries.Current.Path != found.Current.Path)
            {
                throw NotAsRestored(_live, isFound ? found.Current.Path : null, isEntry ? entries.Current.Path : null);
            }

            var viewed = found.Current;
            var settled = viewed.Settled && own.Explains(viewed.Status, entries.Current);
            index.Add(new IndexRow(entries.Current, viewed.Identity, settled, viewed.Sqlite, viewed.Log));
        }

        _index = index.Finish(manifest.Nonce, manifest.Head.PageSeed);

        bool IsDatabase(string path, IndexRow? row) =>
            row?.Entry.Content is { } had && entries.Current?.Content is { } has && (had.Digest, had.Paged) == (has.Digest, has.Paged)
                ? row.Sqlite
                : SqliteFiles.IsDatabase(path);
    }

    /// <param name="there">A path that is there; null when there are no more.</param>
    /// <param name="restored">The one that should be; null likewise. Whichever comes first is too much, or is gone.</param>
    private static LocalContentException NotAsRestored(string tree, string? there, string? restored)
    {
        var path = there is null || (restored is not null && PathOrder.Compare(restored, there) < 0) ? restored : there;
        return new($"{path} in {tree} is not what was restored there. Does another process write there?");
    }
}
