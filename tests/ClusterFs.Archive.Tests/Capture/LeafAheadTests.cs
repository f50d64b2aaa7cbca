using System.Runtime.CompilerServices;
using ClusterFs.Archive.Capture;
using ClusterFs.Archive.Manifests;
using ClusterFs.Posix;

namespace ClusterFs.Archive.Tests.Capture;

public sealed class LeafAheadTests
{
    [Fact]
    public void Alone_the_caller_prepares_every_leaf_itself_in_order()
    {
        using var ahead = new LeafAhead((2 * PageMap.LeafSize) + 5, alone: true);
        List<(long Number, int Thread)> prepared = [];
        List<int> sizes = [];
        while (ahead.Next(number => _ => prepared.Add((number, Environment.CurrentManagedThreadId))) is { } leaf)
        {
            sizes.Add(leaf.Size);
        }

        var here = Environment.CurrentManagedThreadId;
        Assert.Equal([(0, here), (1, here), (2, here)], prepared);
        Assert.Equal([PageMap.LeafSize, PageMap.LeafSize, 5], sizes);
    }

    /// <param name="isLarge">Whether its leaves lie in large pages, which are given back.</param>
    [Theory]
    [InlineData(PageMap.LeafSize + 5, false)]
    [InlineData(2 * PageMap.LeafSize, true)]
    [InlineData((5 * PageMap.LeafSize) + 5, true)]
    public void No_leaf_gets_the_memory_of_another_that_is_in_use(long size, bool isLarge)
    {
        var last = default(Leaf);
        var next = 0L;
        using (var ahead = new LeafAhead(size))
        {
            while (ahead.Next(number => leaf => leaf.Bytes.Fill((byte)number)) is { } leaf)
            {
                Assert.Equal(next++, leaf.Number);
                Assert.Equal(0, AddressOf(leaf.Bytes) % Uncached.Alignment);
                Assert.Equal(-1, leaf.Bytes.IndexOfAnyExcept((byte)leaf.Number));
                leaf.Bytes.Fill(byte.MaxValue);
                last = leaf;
            }
        }

        Assert.Equal(PageMap.LeavesOf(size), next);
        var afterwards = Record.Exception(() => last!.Bytes.Length);
        Assert.Equal(isLarge ? typeof(ObjectDisposedException) : null, afterwards?.GetType());
    }

    private static unsafe long AddressOf(Span<byte> bytes) => (long)Unsafe.AsPointer(ref bytes[0]);
}
