using ClusterFs.Archive.Restore;
using ClusterFs.Posix;

namespace ClusterFs.Archive.Tests.Restore;

/// <summary>Only the file that was looked at is read.</summary>
public sealed class LocalFileTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("clusterfs-local-").FullName;

    private string Name => Path.Combine(_root, "file");

    [Fact]
    public void It_is_opened_and_seen_to_change()
    {
        var seen = Seen();
        using var file = seen.TryOpen();
        Assert.NotNull(file);
        Assert.True(seen.Is(file));
        FileAttribution.SetModified(Name, 1);
        Assert.False(seen.Is(file));
        Assert.Null(seen.TryOpen());
    }

    [Fact]
    public void Another_in_its_place_is_not_opened()
    {
        var seen = Seen();
        File.Move(Name, Name + ".moved");
        Assert.Null(seen.TryOpen());
        File.WriteAllText(Name, "content");
        FileAttribution.SetModified(Name, seen.Status.ModifiedNs);
        Assert.Null(seen.TryOpen());
    }

    [Fact]
    public void A_link_to_it_in_its_place_is_not_followed()
    {
        var moved = Name + ".moved";
        File.WriteAllText(moved, "content");
        File.CreateSymbolicLink(Name, moved);
        Assert.Null(new LocalFile(Name, FileStatus.TryRead(moved)!.Value, null, IsAsKnown: false).TryOpen());
    }

    /// <summary>This process may be the one that has it, for the file's change.</summary>
    [Fact]
    public void One_that_somebody_has_a_lease_on_is_not_waited_for()
    {
        var seen = Seen();
        using var leased = TestBed.OpenAlone(Name);
        Assert.Null(seen.TryOpen());
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);

    private LocalFile Seen()
    {
        File.WriteAllText(Name, "content");
        return new LocalFile(Name, FileStatus.TryRead(Name)!.Value, null, IsAsKnown: false);
    }
}
