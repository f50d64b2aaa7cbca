using ClusterFs.Archive.Capture;
using ClusterFs.Archive.Restore;
using ClusterFs.Posix;

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
        Assert.Throws<IOException>(() => walk.IsKnown("b", out _));
    }

    /// <summary>A mail server has a million of them, and where there is no index, each has to be remembered.</summary>
    [Fact]
    public void A_million_take_no_memory_and_no_file_that_stays()
    {
        const int count = 1_000_000;
        using var seen = New();
        var before = GC.GetAllocatedBytesForCurrentThread();

        for (var i = 0; i < count; i++)
        {
            seen.Add(i % 7 == 0 ? null : Second with { Inode = (ulong)i });
        }

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100_000);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_directory));
        var walk = seen.Again();
        for (var i = 0; i < count; i++)
        {
            Assert.False(walk.IsKnown("any", out var identity));
            Assert.Equal(i % 7 == 0 ? null : Second with { Inode = (ulong)i }, identity);
        }
    }

    /// <summary>The restore goes on with the room that there is, and the next dump reads everything once.</summary>
    [SkippableFact]
    public void On_a_disk_that_is_full_nothing_is_known()
    {
        Skip.IfNot(Processes.IsRoot, "only root can mount a file system");
        var (code, said) = Programs.Try("mount", "-t", "tmpfs", "-o", "size=256k", "none", _directory);
        Skip.If(code != 0, $"a file system in memory cannot be mounted here: {said}");
        try
        {
            using var seen = New();
            for (var i = 0; i < 10_000; i++)
            {
                seen.AddKnown();
                seen.Add(First);
                seen.Add(null);
            }

            File.WriteAllBytes(Path.Combine(_directory, "staged"), new byte[200_000]);
            seen.Change("c", null);
            Assert.Equal([(false, default(FileIdentity)), (false, default(FileIdentity)), (false, null)], Walk(seen, "a", "b", "c"));
        }
        finally
        {
            Programs.Run("umount", _directory);
        }
    }

    private static List<(bool IsKnown, FileIdentity? Identity)> Walk(SeenEntries seen, params string[] paths)
    {
        var walk = seen.Again();
        return [.. paths.Select(path => (walk.IsKnown(path, out var identity), identity))];
    }

    private SeenEntries New() => new(Path.Combine(_directory, "seen"));
}
