using System.Security.Cryptography;
using ClusterFs.Archive.Capture;
using ClusterFs.Archive.Manifests;
using ClusterFs.Archive.Packs;

namespace ClusterFs.Archive.Lineage;

public sealed partial class LocalContent
{
    private static readonly Dictionary<Digest, Piece> NoNodes = [];

    /// <summary>What is known of the entries of a dump: with the identities of their files, if the index is that dump's.</summary>
    private IEnumerable<IndexRow> RowsOf(Manifest? manifest) => manifest is null
        ? []
        : _index is { } index && index.Subject == manifest.Nonce ? index.Read() : manifest.Entries().Select(IndexRow.Unseen);

    /// <summary>The tree beside the index, provided the index is of this dump; beside nothing otherwise.</summary>
    private TreeView Look(CaptureMode mode, Manifest? trusted) =>
        TreeView.Look(_live, mode, new KnownRows(_index is { } index && index.Subject == trusted?.Nonce ? index.Read() : []), _clock);

    /// <param name="root">The live tree, or a snapshot of it.</param>
    private bool IsUnchanged(string subject, string root, CancellationToken cancellation)
    {
        if (_index is not { } index || index.Subject != subject)
        {
            return false;
        }

        using var rows = new KnownRows(index.Read());
        foreach (var entry in TreeView.Look(root, _mode, rows, _clock).Entries(cancellation))
        {
            if (rows.Vanished > 0 || !(entry.IsAsKnown(root) || (entry.CompanionOf is not null && entry.Known is null)))
            {
                return false;
            }
        }

        return rows.Vanished == 0;
    }

    /// <summary>Reads the live content as it lies there.</summary>
    /// <param name="each">Told every entry, in order.</param>
    private CapturedTree Capture(
        CaptureMode mode, PackWriter pack, PackReader reader, Manifest? basis, Action<ManifestEntry>? each, CancellationToken cancellation) =>
        Capture(CaptureSource.Of(_live, mode, _clock), pack, reader, basis, null, each, cancellation);

    /// <summary>Reads content into a pack, which is not published, and an index, which is not yet the one that counts.</summary>
    /// <param name="keeping">Keeps the large files for the next dump; null when there will be none.</param>
    /// <param name="each">Told every entry, in order.</param>
    private CapturedTree Capture(
        CaptureSource source,
        PackWriter pack,
        PackReader reader,
        Manifest? basis,
        FileKeeping? keeping,
        Action<ManifestEntry>? each,
        CancellationToken cancellation)
    {
        var seed = basis?.Head.PageSeed ?? BitConverter.ToInt64(RandomNumberGenerator.GetBytes(sizeof(long)));
        using var rows = new KnownRows(RowsOf(basis));
        var view = new TreeView(source.Root, source.Mode, rows, source.SeenAt, (path, _) => SqliteFiles.IsDatabase(path));
        var known = new KnownContents(RowsOf(basis), _index?.Rows ?? 0);
        var contents = new ContentCapture(pack, reader, known, new PageIndexes(_directory.Pages), seed);
        var capture = new TreeCapture(source.Root, _directory.Scratch, source.Mode, contents, known)
        {
            IsCopy = source.IsCopy,
            Keeping = keeping,
        };
        var builder = new ManifestBuilder(pack, basis?.KnownNodes() ?? NoNodes);
        var index = new LocalIndex.Writer(_directory.IndexFile);
        try
        {
            var words = new CaptureWords(source.Moment, source.Note);
            var paged = new HashSet<Digest>();
            var stored = false;
            foreach (var row in capture.Capture(view, rows, cancellation))
            {
                source.Quiescence?.RequireStill();
                builder.Add(row.Entry);

                // Of the live files, a copy's files tell nothing.
                index.Add(source.IsCopy ? IndexRow.Unseen(row.Entry) : row);
                words.Count(row.Entry);
                each?.Invoke(row.Entry);

                // The same content at another place, such as a large file of zeros, whose map had to be made anew: the index must not refer to a
                // pack that is not published.
                stored |= row.Entry.Content?.Root?.Pack == pack.Id;
                if (row.Entry.Content is { Paged: true } content)
                {
                    paged.Add(content.Digest);
                }
            }

            var (level, list) = builder.Finish();
            return new CapturedTree(seed, level, list, index, paged, words.Files, words.Bytes, words.Describe(view.Special, namesPaths: _archive.Keys is null), capture.Differs || stored);
        }
        catch
        {
            index.Dispose();
            throw;
        }
    }

    /// <summary>The dump that the live content was captured for is in the line, or was there already: from here on its index counts.</summary>
    /// <remarks>All that the live content's file system held when it was captured is durable.</remarks>
    private void Adopt(CapturedTree captured, CaptureSource source, FileKeeping? keeping, string subject)
    {
        _seen = source.Live?.Finish(subject, captured.PageSeed);
        _index = captured.Index.Finish(subject, captured.PageSeed);
        new PageIndexes(_directory.Pages).Keep(captured.Paged);
        keeping?.Finish(subject);
        _whyNotKept = keeping?.WhyNot;
    }

    /// <param name="Index">Being written.</param>
    /// <param name="Paged">Digests of the contents stored in pages.</param>
    /// <param name="Differs">Whether anything is not as in the basis, or lies at another place.</param>
    private sealed record CapturedTree(
        long PageSeed,
        int Level,
        ListNode? List,
        LocalIndex.Writer Index,
        IReadOnlySet<Digest> Paged,
        long Files,
        long Bytes,
        string Guarantee,
        bool Differs) : IDisposable
    {
        public void Dispose() => Index.Dispose();
    }
}
