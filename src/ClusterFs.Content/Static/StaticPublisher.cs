using System.Security.Cryptography;
using ClusterFs.Archive;
using ClusterFs.Archive.Capture;
using ClusterFs.Archive.Log;
using ClusterFs.Archive.Manifests;
using ClusterFs.Archive.Packs;
using ClusterFs.Posix;

namespace ClusterFs.Content.Static;

/// <summary>
/// Makes a generation of a directory. What the newest generation holds already is not stored again, and a file whose identity has not changed since this
/// node published it is not even read. Until the record is in the log, nothing of it can be seen; killed before, it leaves files that nobody refers to, which
/// a later publication deletes.
/// </summary>
/// <param name="state">A directory of this node for what is known of published directories; made where it can be.</param>
public sealed class StaticPublisher(StaticStore store, string node, string state)
{
    private const int Attempts = 5;
    private const uint WriteBits = 0x92;
    private const uint OthersMayEnter = 0x5;
    private static readonly Dictionary<Digest, Piece> NoNodes = [];

    /// <param name="directory">What is published. Not changed.</param>
    /// <param name="asFiles">Whether its files are to lie on shared storage as they are, too: some node serves them from there.</param>
    /// <param name="allowEmpty">Whether it may have nothing in it.</param>
    /// <exception cref="StaticException">The directory cannot be published as it is; nothing has changed.</exception>
    /// <exception cref="IOException">
    /// Something cannot be read or written. Nothing has changed, unless it was the record itself: then <see cref="StaticStore.List"/> tells whether it is there.
    /// </exception>
    public PublishResult Publish(string directory, bool asFiles, bool allowEmpty, IProgress<PublishProgress>? progress, CancellationToken cancellation)
    {
        var source = RequireSource(directory);
        store.Archive.Layout.CreateDirectories();
        using var memory = PublishMemory.Open(state, source);
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return PublishOnce(source, asFiles, allowEmpty, memory, progress, cancellation);
            }
            catch (PrunedBasisException) when (attempt < Attempts)
            {
                // Somebody else has published, and pruned what this was built on.
            }
        }
    }

    private string RequireSource(string directory)
    {
        var full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(directory));
        if (!Directory.Exists(full))
        {
            throw new StaticException(File.Exists(full)
                ? $"{full} is no directory; name the directory whose content is to be published"
                : $"there is no directory {full}; nothing is published");
        }

        string real;
        try
        {
            real = MountPoints.RealPathOf(full);
        }
        catch (PosixException problem)
        {
            throw new StaticException($"{full} cannot be read: {problem.Message}; nothing is published", problem);
        }

        var home = store.Archive.Layout.Home;
        return IsInside(real, home) || IsInside(home, real) ? throw new StaticException($"{full} lies where generations are kept, {home}; publish a directory elsewhere")
            : real.Split('/').Any(StaticPlace.IsName) ? throw new StaticException($"{full} is what a node serves, {real}; publish the directory that it was published from")
            : real;
    }

    private PublishResult PublishOnce(
        string source, bool asFiles, bool allowEmpty, PublishMemory memory, IProgress<PublishProgress>? progress, CancellationToken cancellation)
    {
        progress?.Report(new PublishProgress("Looking", 0, 0, 0, 0));
        var scan = SourceScan.Of(source, cancellation);
        if (scan.Entries == 0 && !allowEmpty)
        {
            throw new StaticException($"{source} is empty: is it mounted, was it built? With --allow-empty it is published all the same; nothing is published");
        }

        var notes = new SourceNotes(source);
        var basis = store.Newest(cancellation);
        using var mark = basis is null ? null : store.Archive.Mark(basis.Content);
        using var reader = store.Archive.NewReader();
        var manifest = basis is null ? null : ManifestToBuildOn(basis, reader);
        var content = Store(source, scan, basis, manifest, reader, memory, progress, notes, cancellation, out var changed, out var special);
        if (content is null)
        {
            return new PublishResult(basis!, IsNew: false, 0, []);
        }

        var warnings = new List<string>();
        var committing = false;
        try
        {
            if (asFiles)
            {
                warnings.AddRange(store.MakeTree(
                    new Generation(0, default, node, content, ""),
                    basis,
                    (files, bytes) => progress?.Report(new PublishProgress("Writing files", files, scan.Entries, bytes, scan.Bytes)),
                    cancellation));
            }

            committing = true;
            var generation = store.Commit(content, node, manifest is null ? 0 : basis!.Number, cancellation);
            memory.Keep(content.Manifest.Pack);
            if (special > 0)
            {
                warnings.Add($"{special} sockets, pipes or devices in {source} are left out");
            }

            warnings.AddRange(notes.Warnings);
            if ((FileStatus.TryRead(source)?.Mode & OthersMayEnter) != OthersMayEnter)
            {
                warnings.Add($"{source} is closed to other users, and so is what is served: a web server may need chmod 755 on it");
            }

            return new PublishResult(generation, IsNew: true, changed, warnings);
        }
        catch when (!committing)
        {
            // Where this fails too, it is deleted when it is old. Once its record is being written, nothing is: what the storage calls a failure may be there after all.
            store.Discard(content);
            throw;
        }
    }

    /// <summary>Under another key, all of it is stored anew.</summary>
    private Manifest? ManifestToBuildOn(Generation basis, PackReader reader)
    {
        var key = reader.KeyIdOf(PackId.Parse(basis.Content.Manifest.Pack));
        if (key is not null && store.Archive.Keys is null)
        {
            throw new ArchiveKeyException($"What lies in {store.Root} is encrypted. Without its keys (shared.key-file) nothing is added to it.");
        }

        return key == store.Archive.Keys?.First.Id ? store.ManifestOf(basis, reader) : null;
    }

    /// <returns>Null when nothing differs from the basis.</returns>
    private StoredContent? Store(
        string source,
        SourceScan scan,
        Generation? basis,
        Manifest? manifest,
        PackReader reader,
        PublishMemory memory,
        IProgress<PublishProgress>? progress,
        SourceNotes notes,
        CancellationToken cancellation,
        out long changed,
        out int special)
    {
        var nonce = StaticStore.NewNonce();
        var seed = manifest?.Head.PageSeed ?? BitConverter.ToInt64(RandomNumberGenerator.GetBytes(sizeof(long)));
        var index = manifest is null ? null : memory.Find(manifest.Nonce, seed);
        IEnumerable<IndexRow> Entries() => manifest?.Entries().Select(IndexRow.Unseen) ?? [];
        using var pack = store.Archive.NewPack(nonce);
        using var known = new KnownRows(index ?? Entries());
        using var before = new KnownRows(Entries());
        var contents = new KnownContents(Entries(), scan.Entries);
        var view = new TreeView(source, CaptureMode.Raw, known, scan.SeenAt, (_, _) => false);
        var capture = new TreeCapture(
            source, memory.Scratch, CaptureMode.Raw, new ContentCapture(pack, reader, contents, new PageIndexes(memory.Pages), seed), contents);
        var builder = new ManifestBuilder(pack, manifest?.KnownNodes() ?? NoNodes);
        using var writer = memory.NewIndex();
        var paged = new HashSet<Digest>();
        changed = 0;
        var (entries, files, bytes) = (0L, 0L, 0L);
        foreach (var row in capture.Capture(view, known, cancellation))
        {
            if (row.Entry.ChangedWhileCopied)
            {
                throw new StaticException($"{Path.Combine(source, row.Entry.Path)} is being written; publish when nobody writes; nothing is published");
            }

            var was = before.Find(row.Entry.Path)?.Entry;
            var entry = Sealed(row.Entry, was);
            RequirePublishable(source, entry);
            notes.Look(entry);
            changed += was is not null && IsSame(was, entry) ? 0 : 1;
            builder.Add(entry);
            writer.Add(row with { Entry = row.Entry with { Attributes = null } });
            files += entry.Kind == FileKind.File ? 1 : 0;
            bytes += entry.Content?.Size ?? 0;
            if (entry.Content is { Paged: true } large)
            {
                paged.Add(large.Digest);
            }

            progress?.Report(new PublishProgress("Storing", ++entries, scan.Entries, bytes, scan.Bytes));
        }

        before.Finish();
        changed += before.Vanished;
        special = view.Special;
        store.Reached("read");
        scan.RequireSame(cancellation);
        var root = RootAttributes.Read(source, FileStatus.TryRead(source) ?? throw new StaticException($"{source} is gone; nothing is published")) with { Attributes = null };
        if (basis is not null && manifest is not null && changed == 0 && manifest.Root == root)
        {
            return null;
        }

        var (level, list) = builder.Finish();
        var head = new ManifestRoot(store.Archive.Service, nonce, root, seed, level, list);
        progress?.Report(new PublishProgress("Making it durable", entries, scan.Entries, bytes, scan.Bytes));
        var location = pack.Publish(head.Write(), cancellation);
        store.Reached("stored");
        memory.Stage(writer, nonce, seed, paged);
        return new StoredContent(location, files, bytes, pack.StoredBytes, "published files");
    }

    /// <summary>
    /// Nobody is to write a generation, which shares its unchanged files with others. Extended attributes are not kept: not every shared file system has
    /// them, and what a web server reads has none that matter.
    /// </summary>
    /// <param name="was">
    /// The entry of this path in the generation before. A file with the same bytes keeps the time that it had: where a build gives every file a new one, all
    /// would be written anew on all nodes, and clients would fetch it again.
    /// </param>
    private static ManifestEntry Sealed(ManifestEntry entry, ManifestEntry? was) => entry with
    {
        Attributes = null,
        Mode = entry.Kind == FileKind.File ? entry.Mode & ~WriteBits : entry.Mode,
        ModifiedNs = entry.Kind == FileKind.File && was?.Kind == FileKind.File && entry.SameAs == was.SameAs
            && (entry.Content?.Size, entry.Content?.Digest) == (was.Content?.Size, was.Content?.Digest) ? was.ModifiedNs : entry.ModifiedNs,
    };

    /// <summary>What nodes hold is not published again: it goes when its generation does, and the new one would lead there.</summary>
    private void RequirePublishable(string source, ManifestEntry entry)
    {
        var isHeld = Path.GetFileName(entry.Path) is var name && StaticPlace.IsName(name);
        var leadsThere = entry.Target is { } target
            && (target.Split('/').Any(StaticPlace.IsName) || (target.StartsWith('/') && IsInside(target, store.Archive.Layout.Home)));
        if (isHeld || leadsThere)
        {
            throw new StaticException(
                $"{Path.Combine(source, entry.Path)} {(isHeld ? "holds generations" : $"leads to a generation, {entry.Target}")}; publish the directory that was published before; nothing is published");
        }
    }

    /// <summary>The times of directories change with what is in them, and are no content.</summary>
    private static bool IsSame(ManifestEntry one, ManifestEntry other) =>
        one with { ModifiedNs = 0, Content = null } == other with { ModifiedNs = 0, Content = null }
        && (one.Content?.Size, one.Content?.Digest) == (other.Content?.Size, other.Content?.Digest)
        && (one.Kind != FileKind.File || one.ModifiedNs == other.ModifiedNs);

    private static bool IsInside(string inner, string outer) => inner == outer || inner.StartsWith(outer.TrimEnd('/') + '/', StringComparison.Ordinal);
}
