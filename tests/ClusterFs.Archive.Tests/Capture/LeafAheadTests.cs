using ClusterFs.Archive.Capture;
using ClusterFs.Archive.Manifests;

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
}
