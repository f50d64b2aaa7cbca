using System.Security.Cryptography;
using ClusterFs.Archive.Manifests;
using ClusterFs.Archive.Packs;

namespace ClusterFs.Archive.Capture;

/// <summary>
/// The hashes of all pages of this node's large files as of their last dump, one file for each, named after its own SHA-256, which is the
/// content's digest: so an index that does not fit, or was damaged, is found out by its name.
/// </summary>
internal sealed class PageIndexes(string directory)
{
    private const int BufferSize = 1 << 16;

    /// <returns>Null when the index is missing or damaged.</returns>
    public FileStream? TryOpen(Digest digest)
    {
        var file = FileOf(digest);
        if (!File.Exists(file))
        {
            return null;
        }

        var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, BufferSize);
        if (Digest.Read(SHA256.HashData(stream)) == digest)
        {
            stream.Position = 0;
            return stream;
        }

        stream.Dispose();
        File.Delete(file);
        return null;
    }

    /// <summary>Opens the index of a content, to be verified while it is read; makes it anew from what the archive holds where it is missing.</summary>
    public CheckedIndex OpenOrRebuild(PageMapReader map, long seed, CancellationToken cancellation)
    {
        if (TryOpenUnchecked(map.Content) is { } found)
        {
            return found;
        }

        using (var writer = new Writer(this))
        {
            var buffer = new byte[PageMap.LeafSize];
            var hashes = new UInt128[PageMap.LeafPages];
            for (var leaf = 0L; leaf < PageMap.LeavesOf(map.Content.Size); leaf++)
            {
                cancellation.ThrowIfCancellationRequested();
                var places = map.Leaf(leaf);
                var bytes = buffer.AsSpan(0, (int)Math.Min(PageMap.LeafSize, map.Content.Size - (leaf * PageMap.LeafSize)));
                map.Read(places, bytes);
                PageHash.Of(bytes, seed, hashes.AsSpan(0, places.Length));
                writer.Append(hashes.AsSpan(0, places.Length));
            }

            writer.Finish();
        }

        TryOpen(map.Content.Digest)?.Dispose();
        return TryOpenUnchecked(map.Content)
            ?? throw new DamagedArchiveException(map.What, "what the archive holds of it is not what was stored");
    }

    /// <summary>Deletes every index but these.</summary>
    public void Keep(IReadOnlySet<Digest> digests)
    {
        foreach (var file in Directory.EnumerateFiles(directory))
        {
            if (Digest.TryParse(Path.GetFileName(file)) is not { } digest || !digests.Contains(digest))
            {
                File.Delete(file);
            }
        }
    }

    /// <summary>Deletes the index of a content: it turned out to be damaged.</summary>
    public void Delete(Digest digest) => File.Delete(FileOf(digest));

    private CheckedIndex? TryOpenUnchecked(FileContent content)
    {
        var file = FileOf(content.Digest);
        if (!File.Exists(file))
        {
            return null;
        }

        var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, bufferSize: 0);
        if (stream.Length == (content.Size + PageMap.PageSize - 1) / PageMap.PageSize * PageHash.Length)
        {
            return new CheckedIndex(stream, content.Digest);
        }

        stream.Dispose();
        File.Delete(file);
        return null;
    }

    private string FileOf(Digest digest) => Path.Combine(directory, digest.ToString());

    /// <summary>Writes an index page by page.</summary>
    public sealed class Writer : IDisposable
    {
        private readonly PageIndexes _indexes;
        private readonly string _temporary;
        private readonly FileStream _stream;
        private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

        public Writer(PageIndexes indexes)
        {
            _indexes = indexes;
            _temporary = indexes.FileOf(default) + $".{Guid.NewGuid():N}";
            _stream = new FileStream(_temporary, FileMode.CreateNew, FileAccess.Write, FileShare.Read, BufferSize);
        }

        public void Append(ReadOnlySpan<UInt128> hashes)
        {
            var bytes = PageHash.Bytes(hashes);
            _hash.AppendData(bytes);
            _stream.Write(bytes);
        }

        /// <returns>The digest of the content whose pages these are.</returns>
        public Digest Finish()
        {
            _stream.Dispose();
            var digest = Digest.Take(_hash);
            File.Move(_temporary, _indexes.FileOf(digest), overwrite: true);
            return digest;
        }

        public void Dispose()
        {
            _stream.Dispose();
            _hash.Dispose();
            File.Delete(_temporary);
        }
    }
}
