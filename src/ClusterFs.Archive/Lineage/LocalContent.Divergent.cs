using System.Security.Cryptography;
using ClusterFs.Archive.Capture;
using ClusterFs.Archive.Log;
using ClusterFs.Archive.Manifests;
using ClusterFs.Archive.Packs;

namespace ClusterFs.Archive.Lineage;

public sealed partial class LocalContent
{
    /// <summary>
    /// Keeps what this node wrote and could not commit, if its epoch has been superseded. No process may write the live path any more. Called
    /// when a node starts and when it learns that it is finished; a second call makes no second copy.
    /// </summary>
    /// <param name="reason">For people: why the content is outside the line.</param>
    /// <param name="runsUnder">The epoch under which the service is known to run elsewhere; null when nothing is known of it.</param>
    /// <returns>
    /// The record that holds the content, new or from an earlier call. Null when the epoch has not been superseded, all of the content is in
    /// the line, or somebody discarded what is not.
    /// </returns>
    /// <exception cref="SharedStorageException">
    /// The claim that must have ended the epoch, by <paramref name="runsUnder"/>, cannot be seen yet. Call again.
    /// </exception>
    public DivergentRecord? KeepDivergent(string reason, CancellationToken cancellation, long? runsUnder = null) => InTurn(
        () =>
        {
            _archive.Layout.RequireHome();
            var marker = LoadMarker();
            if (marker.Content is not { } origin || StateOfLocal() != LocalState.Present)
            {
                return null;
            }

            var (caughtUp, supersededBy, _) = CatchUp(origin, cancellation);
            if (caughtUp != origin)
            {
                marker = marker with { Content = caughtUp };
                _directory.Save(marker);
            }

            if (supersededBy is not null)
            {
                return KeepIfDivergent(marker, reason, cancellation).Record;
            }

            // A network file system remembers for a while that a name was free.
            return runsUnder > origin.Epoch
                ? throw new SharedStorageException(_archive.Layout.Log, $"the claim of epoch {runsUnder} cannot be seen yet.")
                : null;
        },
        cancellation);

    private (DivergentRecord? Record, LineageMarker Marker) KeepIfDivergent(LineageMarker marker, string reason, CancellationToken cancellation)
    {
        var (fingerprint, settled) = FingerprintOfLive(cancellation);
        if (settled && marker.Kept is { } kept && kept.Fingerprint == fingerprint)
        {
            var known = DivergentStore.TryRead(_archive.Layout, _archive.Service, kept.Id);
            if (known is not null || DivergentStore.IsGone(_archive.Layout, kept.Id))
            {
                return (known, marker);
            }
        }

        var basis = UnprunedDumpAt(marker.Content?.DumpSlot, cancellation);
        using var mark = basis is null ? null : _archive.Mark(basis.Content);
        using var reader = _archive.NewReader();
        var manifest = basis is null ? null : ManifestOf(basis, reader);
        if (manifest is not null
            && IsRootOf(manifest)
            && new ContentMatch(_live, _directory.Scratch).Matches(() => Look(_mode, manifest), manifest, times: false, null, cancellation))
        {
            return (null, marker);
        }

        // Under another key, all of it is stored anew, as by a dump: should it be adopted, its own key has to be enough for all of it.
        var sameKey = basis is not null && KeyOf(basis, reader) == _archive.Keys?.First.Id;
        var (id, record) = Keep(marker, reader, sameKey ? manifest : null, reason, cancellation);
        if (mark is not null)
        {
            // Until whoever prunes is bound to see the record itself.
            mark.Stays = true;
        }

        var updated = marker with { Kept = new KeptContent(id, fingerprint) };
        _directory.Save(updated);
        return (record, updated);
    }

    /// <returns>The name of the content, and its record; null when that is gone.</returns>
    private (string Id, DivergentRecord? Record) Keep(LineageMarker marker, PackReader reader, Manifest? basis, string reason, CancellationToken cancellation)
    {
        var nonce = NewNonce();
        var epoch = marker.Content?.Epoch ?? 0;
        using var pack = _archive.NewPack(nonce);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using var captured = Capture(CaptureMode.Raw, pack, reader, basis, entry => DivergentStore.AddTo(hash, entry), cancellation);
        var root = AttributesOfRoot();
        DivergentStore.AddTo(hash, root);
        var id = DivergentStore.IdOf(_node, epoch, hash);
        var known = DivergentStore.TryRead(_archive.Layout, _archive.Service, id);
        if (known is not null || DivergentStore.IsGone(_archive.Layout, id))
        {
            return (id, known);
        }

        var head = new ManifestRoot(_archive.Service, nonce, root, captured.PageSeed, captured.Level, captured.List);
        var location = pack.Publish(head.Write(), cancellation);
        AtPoint("divergent stored");
        var content = new StoredContent(location, captured.Files, captured.Bytes, pack.StoredBytes, captured.Guarantee);
        var record = new DivergentRecord(
            _archive.Service, id, epoch, _node, _archive.Now, marker.Content?.DumpSlot, reason, content);
        DivergentStore.Add(_archive.Layout, record, nonce);
        return (id, record);
    }
}
