using System.Security.Cryptography;
using ClusterFs.Archive.Manifests;
using ClusterFs.Archive.Packs;

namespace ClusterFs.Archive.Capture;

/// <summary>Works out the digest of a content from the hashes of its pages, and keeps them as its index if there is a place for it.</summary>
internal sealed class PageDigest(PageIndexes? indexes) : IDisposable
{
    private readonly PageIndexes.Writer? _writer = indexes is null ? null : new PageIndexes.Writer(indexes);
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    public void Append(ReadOnlySpan<UInt128> hashes)
    {
        if (_writer is not null)
        {
            _writer.Append(hashes);
        }
        else
        {
            _hash.AppendData(PageHash.Bytes(hashes));
        }
    }

    public Digest Finish() => _writer?.Finish() ?? Digest.Take(_hash);

    public void Dispose()
    {
        _writer?.Dispose();
        _hash.Dispose();
    }
}
