using System.Buffers;
using System.Security.Cryptography;
using ClusterFs.Archive.Manifests;
using ClusterFs.Archive.Packs;
using ClusterFs.Archive.Threads;
using ClusterFs.Posix;

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

    /// <summary>Writes an index page by page; of a large one another thread does that, while the caller goes on. Used by one thread.</summary>
    public sealed class Writer : IDisposable
    {
        /// <summary>So many bytes are written together.</summary>
        private const int WrittenAtOnce = 256 << 10;

        private readonly PageIndexes _indexes;
        private readonly string _temporary;
        private readonly FileStream _stream;
        private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        private readonly WorkAhead<bool> _writing;
        private byte[] _filling = ArrayPool<byte>.Shared.Rent(WrittenAtOnce);
        private byte[]? _spare;
        private int _filled;

        /// <param name="workers">Who writes; null: a thread of its own.</param>
        public Writer(PageIndexes indexes, TaskScheduler? workers = null)
        {
            _indexes = indexes;
            _temporary = indexes.FileOf(default) + $".{Guid.NewGuid():N}";
            _stream = new FileStream(_temporary, FileMode.CreateNew, FileAccess.Write, FileShare.Read, bufferSize: 0);
            _writing = new WorkAhead<bool>(workers);
        }

        public void Append(ReadOnlySpan<UInt128> hashes)
        {
            for (var bytes = PageHash.Bytes(hashes); bytes.Length > 0;)
            {
                if (_filled == WrittenAtOnce)
                {
                    BeginWriting();
                }

                var count = Math.Min(bytes.Length, WrittenAtOnce - _filled);
                bytes[..count].CopyTo(_filling.AsSpan(_filled));
                _filled += count;
                bytes = bytes[count..];
            }
        }

        /// <returns>The digest of the content whose pages these are.</returns>
        public Digest Finish()
        {
            AwaitWritten();
            Write(_filling.AsSpan(0, _filled));
            _stream.Dispose();
            var digest = Digest.Take(_hash);
            File.Move(_temporary, _indexes.FileOf(digest), overwrite: true);
            return digest;
        }

        public void Dispose()
        {
            _writing.Dispose();
            _stream.Dispose();
            _hash.Dispose();
            File.Delete(_temporary);
            foreach (var buffer in (byte[]?[])[_filling, _spare])
            {
                if (buffer is { Length: > 0 })
                {
                    ArrayPool<byte>.Shared.Return(buffer);
                }
            }

            (_filling, _spare) = ([], null);
        }

        /// <summary>Never two at a time: their order is that of the file.</summary>
        private void BeginWriting()
        {
            AwaitWritten();
            var full = _filling;
            _filling = _spare ?? ArrayPool<byte>.Shared.Rent(WrittenAtOnce);
            (_spare, _filled) = (full, 0);
            _writing.Start(() =>
            {
                Write(full.AsSpan(0, WrittenAtOnce));

                // A dump syncs the file system that this lies on, as a rule: the disk has something to do meanwhile.
                Durable.BeginSync(_stream.SafeFileHandle, _stream.Position - WrittenAtOnce, WrittenAtOnce);
                return true;
            });
        }

        private void AwaitWritten()
        {
            if (_writing.Count > 0)
            {
                _ = _writing.Take();
            }
        }

        private void Write(ReadOnlySpan<byte> bytes)
        {
            _hash.AppendData(bytes);
            _stream.Write(bytes);
        }
    }
}
