using System.Security.Cryptography;
using ClusterFs.Archive.Manifests;
using ClusterFs.Archive.Packs;

namespace ClusterFs.Archive.Capture;

/// <summary>The digest that a content would have in a manifest, worked out from its bytes.</summary>
internal static class ContentDigest
{
    /// <param name="paged">Whether the content is stored in pages.</param>
    /// <param name="seed">Of the hashes of pages.</param>
    public static Digest Of(IPageSource source, bool paged, long seed, CancellationToken cancellation)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = GC.AllocateUninitializedArray<byte>((int)Math.Min(PageMap.LeafSize, source.Size));
        var hashes = paged ? new UInt128[PageMap.LeafPages] : [];
        for (var start = 0L; start < source.Size; start += PageMap.LeafSize)
        {
            cancellation.ThrowIfCancellationRequested();
            var bytes = buffer.AsSpan(0, (int)Math.Min(PageMap.LeafSize, source.Size - start));
            source.Read(start, bytes);
            if (paged)
            {
                var pages = hashes.AsSpan(0, PageMap.PagesOf(bytes.Length));
                PageHash.Of(bytes, seed, pages);
                hash.AppendData(PageHash.Bytes(pages));
            }
            else
            {
                hash.AppendData(bytes);
            }
        }

        return Digest.Take(hash);
    }
}
