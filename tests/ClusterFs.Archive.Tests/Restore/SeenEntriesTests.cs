using ClusterFs.Archive.Capture;
using ClusterFs.Archive.Restore;

namespace ClusterFs.Archive.Tests.Restore;

public sealed class SeenEntriesTests : IDisposable
{
    private static readonly FileIdentity First = new(1, 2, 3, 4);
    private static readonly FileIdentity Second = new(long.MaxValue, -1, long.MinValue, ulong.MaxValue);

    private readonly string _directory = Directory.CreateTempSubdirectory("clusterfs-seen-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void Each_entry_is_what_it_was_seen_as_in_order()
    {
        using var seen = New();
        seen.AddKnown();
        seen.Add(First);
        seen.Add(null);
        seen.AddKnown();
        seen.Add(Second);
        seen.Add(default(FileIdentity));

        Assert.Equal(
            [(true, null), (false, First), (false, null), (true, null), (false, Second), (false, default(FileIdentity))],
            Walk(seen, "a", "b", "c", "d", "e", "f"));
    }

    [Fact]
    public void What_is_changed_is_not_what_was_seen_nor_what_the_index_tells_of()
    {
        using var seen = New();
        seen.Change("b", null);
        seen.AddKnown();
        seen.Add(First);
        seen.Add(null);
        seen.Change("a", Second);
        seen.Change("c", First);
        seen.Change("c", Second);

        Assert.Equal([(false, Second), (false, null), (false, Second)], Walk(seen, "a", "b", "c"));
    }

    [Fact]
    public void An_entry_that_was_not_seen_is_an_error()
    {
        using var seen = New();
        seen.AddKnown();
        var walk = seen.Again();

        Assert.True(walk.IsKnown("a", out _));
        Assert.Throws<EndOfStreamException>(() => walk.IsKnown("b", out _));
    }

    [Fact]
    public void No_file_of_it_is_to_be_found()
    {
        using var seen = New();

        seen.Add(First);

        Assert.Empty(Directory.EnumerateFileSystemEntries(_directory));
    }

    /// <summary>A mail server has a million of them, and where there is no index, each has to be remembered.</summary>
    [Fact]
    public void A_million_take_no_memory()
    {
        using var seen = New();
        seen.Add(First);
        var before = GC.GetTotalMemory(forceFullCollection: true);

        for (var i = 1; i < 1_000_000; i++)
        {
            seen.Add(First with { Inode = (ulong)i });
        }

        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - before, long.MinValue, 1_000_000);
        var walk = seen.Again();
        Assert.False(walk.IsKnown("0", out var identity));
        Assert.Equal(First, identity);
    }

    private static List<(bool IsKnown, FileIdentity? Identity)> Walk(SeenEntries seen, params string[] paths)
    {
        var walk = seen.Again();
        return [.. paths.Select(path => (walk.IsKnown(path, out var identity), identity))];
    }

    private SeenEntries New() => new(Path.Combine(_directory, "seen"));
}
