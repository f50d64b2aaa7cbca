using System.Collections.Immutable;
using ClusterFs.Configuration;
using ClusterFs.Content.Static;
using ClusterFs.Posix;
using static ClusterFs.Content.Tests.Static.StaticSteps;

namespace ClusterFs.Content.Tests.Static;

/// <summary>What somebody else on the node could do, and what retention must leave alone.</summary>
public sealed class StaticHazardsTests
{
    public static TheoryData<string> Forms => StaticContentTests.Forms;

    [Theory]
    [MemberData(nameof(Forms))]
    public void Nobody_but_the_daemon_may_write_in_what_is_served_whatever_was_published(string form)
    {
        using var bed = BedOf(form);
        bed.Write("open/index.html", "one");
        bed.Write("open/closed", "closed");
        foreach (var path in new[] { "open", "open/index.html" })
        {
            File.SetUnixFileMode(Path.Combine(bed.Source, path), (UnixFileMode)0xFFF);
        }

        File.SetUnixFileMode(Path.Combine(bed.Source, "open/closed"), (UnixFileMode)0x180);
        if (Processes.IsRoot)
        {
            FileAttribution.SetOwner(bed.Source, 1234, 1234);
            FileAttribution.SetOwner(Path.Combine(bed.Source, "open"), 1234, 1234);
            FileAttribution.SetOwner(Path.Combine(bed.Source, "open/index.html"), 1234, 1234);
            File.SetUnixFileMode(Path.Combine(bed.Source, "open/index.html"), (UnixFileMode)0xFFF);
        }

        Assert.Contains("open/closed is closed to other users", Assert.Single(bed.Publish().Warnings), StringComparison.Ordinal);
        using var content = bed.Follow();
        var top = MountPoints.RealPathOf(bed.Served());
        foreach (var (path, mode) in new[] { ("", 0x1EDu), ("open", 0x1EDu), ("open/index.html", 0x16Du), ("open/closed", 0x100u) })
        {
            var status = FileStatus.TryRead(Path.Combine(top, path).TrimEnd('/'))!.Value;
            Assert.Equal((path, Accounts.Current, mode), (path, status.User, status.Mode));
        }
    }

    [SkippableFact]
    public void A_directory_that_somebody_else_may_write_in_is_no_base_for_the_next_copy()
    {
        Skip.IfNot(Processes.IsRoot, "needs root");
        using var bed = BedOf("local");
        bed.Write("sub/page", "right");
        bed.Write("other", "one");
        Publish(bed);
        bed.Follow().Dispose();
        var sub = Path.Combine(MountPoints.RealPathOf(bed.Served()), "sub");
        var inode = FileStatus.TryRead(Path.Combine(sub, "page"))!.Value.Inode;
        FileAttribution.SetOwner(sub, 1234, 1234);
        bed.Write("other", "two");
        Publish(bed);
        bed.Follow().Dispose();
        Assert.Equal("right", bed.Read("sub/page"));
        Assert.NotEqual(inode, FileStatus.TryRead(Path.Combine(bed.Served(), "sub", "page"))!.Value.Inode);
    }

    [Fact]
    public void A_place_that_is_a_link_is_left_alone()
    {
        using var bed = BedOf("local");
        bed.Write("index.html", "one");
        Publish(bed);
        var elsewhere = Path.Combine(bed.Root, "elsewhere");
        Directory.CreateDirectory(Path.Combine(elsewhere, ".unfinished-mine"));
        File.CreateSymbolicLink(bed.Place(), elsewhere);
        using var content = bed.Start(new StaticBed.Cluster { Reachable = ["n1"] });
        Assert.Contains("is in the way", Assert.Throws<StaticException>(() => content.LookOnce(CancellationToken.None)).Message, StringComparison.Ordinal);
        Assert.Equal([".unfinished-mine"], Directory.EnumerateFileSystemEntries(elsewhere).Select(Path.GetFileName));
    }

    [Fact]
    public void What_a_link_leads_to_is_never_deleted_also_when_it_takes_a_directorys_place_meanwhile()
    {
        using var bed = BedOf("local");
        var (tree, elsewhere) = (Path.Combine(bed.Root, "tree"), Path.Combine(bed.Root, "elsewhere"));
        var inside = Path.Combine(tree, "inside");
        Directory.CreateDirectory(elsewhere);
        Directory.CreateDirectory(inside);
        const int many = 20_000;
        foreach (var number in Enumerable.Range(0, many))
        {
            File.WriteAllBytes(Path.Combine(elsewhere, $"{number}"), []);
            File.WriteAllBytes(Path.Combine(inside, $"{number}"), []);
        }

        var swap = new Thread(() =>
        {
            while (Directory.EnumerateFiles(inside).Count() == many)
            {
            }

            Directory.Move(inside, Path.Combine(bed.Root, "out"));
            File.CreateSymbolicLink(inside, elsewhere);
        });
        swap.Start();
        Trash.Delete(tree);
        swap.Join();
        Assert.Equal(many, Directory.EnumerateFiles(elsewhere).Count());
    }

    [Fact]
    public void The_files_that_a_node_serves_from_shared_storage_stay_however_old_they_are()
    {
        using var bed = BedOf("none");
        bed.Write("index.html", "one");
        Publish(bed);
        bed.Follow().Dispose();
        var first = bed.Store().Look(CancellationToken.None).Newest!;
        bed.Write("index.html", "two");
        Publish(bed);
        var second = bed.Store().Look(CancellationToken.None).Newest!;
        for (var number = 3; number <= 6; number++)
        {
            bed.Write("index.html", $"number {number}");
            Publish(bed);
            Prune(bed);
        }

        Assert.Equal("one", bed.Read("index.html"));
        Assert.Null(bed.Store().FindTree(second));

        // It serves another, and what it noted is of no use any more.
        bed.Follow().Dispose();
        bed.Write("index.html", "number 7");
        Publish(bed);
        bed.Follow().Dispose();
        Prune(bed);
        Prune(bed);
        Assert.Null(bed.Store().FindTree(first));
        Assert.Equal("number 7", bed.Read("index.html"));
    }

    [Fact]
    public void Files_that_are_about_to_be_deleted_are_not_taken_into_use()
    {
        using var bed = BedOf("none");
        bed.Write("index.html", "one");
        Publish(bed);
        var newest = bed.Store().Look(CancellationToken.None).Newest!;
        File.WriteAllBytes(bed.Store().TreeOf(newest) + TreeRetention.Doomed, []);
        using var content = bed.Start(new StaticBed.Cluster { Reachable = ["n1"] });
        Assert.Contains("was pruned before it could be served", Assert.Throws<StaticException>(() => content.LookOnce(CancellationToken.None)).Message, StringComparison.Ordinal);
        Assert.Equal(0, content.Sighting.Prepared);
    }
}
