using ClusterFs.Posix;

namespace ClusterFs.Archive.Packs;

/// <summary>Puts packs, and those of other bundles, together in one file. Not safe for use by several threads.</summary>
internal sealed class BundleWriter(string file) : IDisposable
{
    private readonly FileStream _bundle = Create(file);
    private readonly List<(BundledPack Pack, string Source)> _packs = [];
    private readonly HashSet<PackId> _met = [];
    private readonly byte[] _buffer = new byte[1 << 20];

    /// <summary>Appends the packs of a file, but for those that are here already.</summary>
    /// <exception cref="DamagedArchiveException">The file is not what was written.</exception>
    /// <param name="takes">Which packs; null for all.</param>
    public void Append(string source, CancellationToken cancellation, Func<PackId, bool>? takes = null)
    {
        using var stream = new FileStream(source, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
        IReadOnlyList<BundledPack> parts = source.EndsWith(BundleFormat.PackExtension, StringComparison.Ordinal)
            ? [new BundledPack(BundleFormat.PackOf(source), 0, stream.Length)]
            : BundleFormat.ReadTable(stream);
        foreach (var part in parts.Where(part => takes?.Invoke(part.Pack) != false && _met.Add(part.Pack)))
        {
            _packs.Add((part with { Offset = _bundle.Position }, source));
            stream.Position = part.Offset;
            Copy(stream, part.Length, cancellation);
        }
    }

    /// <summary>Writes the table and makes all of it durable.</summary>
    public void Finish()
    {
        BundleFormat.WriteTable(_bundle, [.. _packs.Select(one => one.Pack)]);
        _bundle.Flush(flushToDisk: true);
        FileAttribution.ForgetCached(_bundle.SafeFileHandle);
    }

    /// <summary>Reads back what came from a file, and compares it with the hashes in its packs.</summary>
    /// <exception cref="DamagedArchiveException">It is not what was stored.</exception>
    public void Verify(string source, CancellationToken cancellation)
    {
        foreach (var (pack, _) in _packs.Where(one => one.Source == source))
        {
            using var reader = new PackReader(_ => new PackPlace(file, pack.Offset, pack.Length));
            reader.VerifyFrames(pack.Pack, cancellation);
        }
    }

    public void Dispose() => _bundle.Dispose();

    private static FileStream Create(string file)
    {
        var bundle = new FileStream(file, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete, bufferSize: 1 << 20);
        bundle.Write(BundleFormat.Header);
        return bundle;
    }

    private void Copy(FileStream from, long length, CancellationToken cancellation)
    {
        while (length > 0)
        {
            cancellation.ThrowIfCancellationRequested();
            var read = from.Read(_buffer, 0, (int)Math.Min(_buffer.Length, length));
            _bundle.Write(_buffer, 0, read > 0 ? read : throw new DamagedArchiveException(from.Name, "it ends too early"));
            length -= read;
        }
    }
}
