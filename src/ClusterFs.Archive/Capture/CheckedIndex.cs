using System.Runtime.InteropServices;
using System.Security.Cryptography;
using ClusterFs.Archive.Manifests;
using ClusterFs.Archive.Packs;

namespace ClusterFs.Archive.Capture;

/// <summary>The hashes of a content's pages, read once and from end to end: only then is it known whether they are what was written.</summary>
/// <param name="stream">At its beginning; closed with this.</param>
/// <param name="digest">Of all of it.</param>
internal sealed class CheckedIndex(FileStream stream, Digest digest) : IDisposable
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    /// <returns>How many hashes were read: less than there is room for only at the end.</returns>
    public int Read(Span<UInt128> hashes)
    {
        var bytes = MemoryMarshal.AsBytes(hashes);
        var read = stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        _hash.AppendData(bytes[..read]);
        return read / PageHash.Length;
    }

    /// <summary>Whether all that was read, and what is left, is what was written. Called once.</summary>
    public bool IsRight()
    {
        var rest = new UInt128[PageMap.LeafPages];
        while (Read(rest) > 0)
        {
        }

        return Digest.Take(_hash) == digest;
    }

    public void Dispose()
    {
        stream.Dispose();
        _hash.Dispose();
    }
}
