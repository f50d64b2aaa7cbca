using System.Security.Cryptography;
using ClusterFs.Archive.Capture;
using ClusterFs.Archive.Manifests;
using ClusterFs.Archive.Packs;

namespace ClusterFs.Archive.Tests.Capture;

public sealed class PageIndexesTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("clusterfs-indexes-").FullName;

    /// <summary>Of a content of 400 MiB: other threads write most of it, in parts.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1000)]
    [InlineData(16_384)]
    [InlineData(32_768)]
    [InlineData(100_000)]
    public void What_is_written_is_all_that_was_given_in_order(int count)
    {
        var random = new Random(count);
        var hashes = new UInt128[count];
        for (var i = 0; i < count; i++)
        {
            hashes[i] = new UInt128((ulong)random.NextInt64(), (ulong)random.NextInt64());
        }

        var indexes = new PageIndexes(_root);
        Digest digest;
        using (var writer = new PageIndexes.Writer(indexes))
        {
            for (var done = 0; done < count;)
            {
                var next = Math.Min(count, done + random.Next(1, 5000));
                writer.Append(hashes.AsSpan(done..next));
                done = next;
            }

            digest = writer.Finish();
        }

        var bytes = PageHash.Bytes(hashes).ToArray();
        Assert.Equal(Digest.Read(SHA256.HashData(bytes)), digest);
        Assert.Equal(bytes, File.ReadAllBytes(Assert.Single(Directory.GetFiles(_root))));
        using var found = indexes.TryOpen(digest);
        Assert.NotNull(found);
    }

    [Fact]
    public void One_that_is_given_up_leaves_nothing()
    {
        using (var writer = new PageIndexes.Writer(new PageIndexes(_root)))
        {
            writer.Append(new UInt128[50_000]);
        }

        Assert.Empty(Directory.GetFiles(_root));
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);
}
