using ClusterFs.Archive.Manifests;
using ClusterFs.Archive.Restore;
using ClusterFs.Posix;

namespace ClusterFs.Archive.Tests.Restore;

/// <summary>A second name is made some time after its file was looked at; what is there by then may be another.</summary>
public sealed class LinksAheadTests : IDisposable
{
    private const int Files = 200;
    private readonly string _root = Directory.CreateTempSubdirectory("clusterfs-links-").FullName;

    [Fact]
    public void All_get_their_second_name()
    {
        using var links = new LinksAhead();
        var added = Enumerable.Range(0, Files).Select(Seen).ToList();
        added.ForEach(links.Add);

        Assert.Empty(links.Complete());

        Assert.All(added, link => Assert.Equal(link.Existing.Status.Inode, FileStatus.TryRead(link.Created)!.Value.Inode));
    }

    [Fact]
    public void What_is_not_any_more_what_was_seen_gets_none_and_is_told_of()
    {
        using var links = new LinksAhead();
        var added = Enumerable.Range(0, Files).Select(Seen).ToList();
        var modified = added[3].Existing.Status.ModifiedNs;
        var other = Path.Combine(_root, "other");
        File.WriteAllText(other, "3");
        FileAttribution.SetModified(other, modified);
        Durable.Rename(other, added[3].Existing.Path);
        FileAttribution.SetModified(added[70].Existing.Path, modified + 1_000_000_000);
        FileAttribution.SetMode(added[150].Existing.Path, 0x1ED);
        File.Delete(added[160].Existing.Path);
        File.Delete(added[199].Existing.Path);
        File.CreateSymbolicLink(added[199].Existing.Path, added[198].Existing.Path);
        added.ForEach(links.Add);

        var refused = links.Complete();

        Assert.Equal(new[] { 3, 70, 150, 160, 199 }.Select(i => added[i]), refused.OrderBy(link => added.IndexOf(link)));
        Assert.All(refused, link => Assert.Null(FileStatus.TryRead(link.Created)));
        Assert.Equal(Files - refused.Count, added.Count(link => FileStatus.TryRead(link.Created) is not null));
        Assert.Empty(links.Complete());
    }

    [Fact]
    public void One_that_fails_among_many_fails_all()
    {
        using var links = new LinksAhead();
        var added = Enumerable.Range(0, Files).Select(Seen).ToList();
        File.WriteAllText(added[70].Created, "taken");

        var error = Assert.Throws<PosixException>(() =>
        {
            added.ForEach(links.Add);
            links.Complete();
        });

        Assert.Equal(PosixException.Exists, error.Error);
        Assert.Equal("taken", File.ReadAllText(added[70].Created));
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);

    private NewLink Seen(int number)
    {
        var path = Path.Combine(_root, $"{number}");
        File.WriteAllText(path, $"{number}");
        var entry = new ManifestEntry($"{number}", FileKind.File, 0x180, 0, 0, 0);
        return new NewLink(entry, new LocalFile(path, FileStatus.TryRead(path)!.Value, null, IsAsKnown: false), path + ".new");
    }
}
