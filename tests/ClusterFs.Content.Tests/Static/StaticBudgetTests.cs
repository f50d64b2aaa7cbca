using ClusterFs.Configuration;
using ClusterFs.Content.Static;
using ClusterFs.Posix;
using static ClusterFs.Content.Tests.Static.StaticSteps;

namespace ClusterFs.Content.Tests.Static;

/// <summary>Static content of which a node copies what fits: by what was used last, the rest from shared storage.</summary>
public sealed class StaticBudgetTests
{
    private const int Page = 1000;

    [Fact]
    public void What_fits_is_a_copy_and_the_rest_leads_to_shared_storage()
    {
        using var bed = BedOf(2 * Page);
        WritePages(bed, "one", 4);
        Publish(bed);
        using var content = bed.Follow();
        Assert.Equal(["page1", "page2"], Here(bed));
        Assert.All(Enumerable.Range(1, 4), page => Assert.StartsWith("one", bed.Read($"page{page}"), StringComparison.Ordinal));
        Assert.StartsWith(bed.Store().Trees, new FileInfo(Path.Combine(bed.Served(), "page4")).LinkTarget!, StringComparison.Ordinal);
        Assert.Equal((StaticCondition.Current, 2L * Page, 2L * Page), (content.State.Condition, content.State.LocalBytes, content.State.SharedBytes));

        // Away, what is here is served on.
        Directory.Move(bed.Shared, bed.Shared + ".away");
        Assert.StartsWith("one", bed.Read("page1"), StringComparison.Ordinal);
        Assert.ThrowsAny<IOException>(() => bed.Read("page4"));
        Directory.Move(bed.Shared + ".away", bed.Shared);
    }

    [Fact]
    public void The_next_generation_has_what_was_used_of_the_one_before()
    {
        using var bed = BedOf(2 * Page);
        WritePages(bed, "one", 4);
        Publish(bed);
        bed.Follow().Dispose();
        Unused(bed, days: 3, "page1", "page2", "page4");
        Unused(bed, days: 1, "page3");
        bed.Write("page2", Text("two"));
        bed.Write("page4", Text("two"));
        bed.Write("new", Text("new"));
        Publish(bed);
        bed.Follow().Dispose();

        // Unchanged, and left to shared storage before: by now it is one of those that were used last. What has just come counts as used.
        Assert.Equal((3, 1), (DaysUnused(bed, "page1"), DaysUnused(bed, "page3")));
        Assert.Equal(["new", "page3"], Here(bed));
        Assert.StartsWith("two", bed.Read("page4"), StringComparison.Ordinal);
    }

    [SkippableFact]
    public void What_is_read_is_noted_by_the_kernel_on_this_nodes_disk()
    {
        using var bed = BedOf(2 * Page);
        WritePages(bed, "one", 4);
        Publish(bed);
        bed.Follow().Dispose();
        Unused(bed, days: 3, "page1", "page2", "page3", "page4");
        _ = bed.Read("page1");
        _ = bed.Read("page4");
        Skip.If(DaysUnused(bed, "page1") != 0, "the scratch directory is mounted with noatime");
        Assert.Equal([0, 3, 3, 0], new[] { "page1", "page2", "page3", "page4" }.Select(page => DaysUnused(bed, page)));
    }

    [Fact]
    public void While_a_generation_stays_files_change_places_by_what_is_used()
    {
        using var bed = BedOf(2 * Page);
        WritePages(bed, "one", 4);
        bed.Write("a/deep", Text("one"));
        Assert.True(Durable.TryLink(Path.Combine(bed.Source, "page4"), Path.Combine(bed.Source, "z-again")));
        Publish(bed);
        bed.Follow().Dispose();
        Assert.Equal(["a/deep", "page1"], Here(bed));
        using var open = File.OpenRead(Path.Combine(bed.Served(), "page1"));
        Unused(bed, days: 2, "a/deep", "page1", "page2");
        bed.Follow().Dispose();
        Assert.Equal(["page3", "page4", "z-again"], Here(bed));
        Assert.Equal(Text("one"), new StreamReader(open).ReadToEnd());
        Assert.All(new[] { "a/deep", "page1", "page2", "page3", "page4", "z-again" }, page => Assert.Equal(Text("one"), bed.Read(page)));
        Assert.Equal(Inode(bed, "page4"), Inode(bed, "z-again"));
        Assert.Equal(((UnixFileMode)0x124, DateTime.UnixEpoch.AddDays(1)), (File.GetUnixFileMode(Path.Combine(bed.Served(), "page3")), File.GetLastWriteTimeUtc(Path.Combine(bed.Served(), "page3"))));

        // And a smaller budget is kept from the next start on.
        bed.Settings = bed.Settings with { Budget = Page };
        using var content = bed.Follow();
        Assert.Equal(["page3"], Here(bed));
        Assert.Equal(((long)Page, 4L * Page), (content.State.LocalBytes, content.State.SharedBytes));
        Assert.DoesNotContain(Directory.EnumerateFileSystemEntries(bed.Place()), path => Path.GetFileName(path).StartsWith(".unfinished", StringComparison.Ordinal));
    }

    [Fact]
    public void Other_kinds_of_cache_become_one_with_a_budget_and_the_other_way_round()
    {
        using var bed = BedOf(2 * Page);
        WritePages(bed, "one", 3);
        Publish(bed);
        foreach (var settings in new[] { bed.Settings with { Budget = null }, bed.Settings, bed.Settings with { Cache = CacheKind.None, Budget = null }, bed.Settings })
        {
            bed.Settings = settings;
            using var content = bed.Follow();
            Assert.Equal(StaticCondition.Current, content.State.Condition);
            Assert.All(Enumerable.Range(1, 3), page => Assert.StartsWith("one", bed.Read($"page{page}"), StringComparison.Ordinal));
        }

        Assert.Equal(2, Here(bed).Count());
    }

    [Fact]
    public void The_files_that_links_lead_to_stay_however_old_they_are()
    {
        using var bed = BedOf(Page);
        WritePages(bed, "one", 2);
        Publish(bed);
        bed.Follow().Dispose();
        for (var number = 2; number <= 5; number++)
        {
            WritePages(bed, $"later {number}", 2);
            Publish(bed);
            Prune(bed);
        }

        Prune(bed);
        Assert.Equal((Text("one"), Text("one")), (bed.Read("page1"), bed.Read("page2")));
    }

    /// <summary>A link of the site, or one that somebody put there, is never followed by who looks what was used, nor written through.</summary>
    [Fact]
    public void No_link_is_followed_and_none_is_written_through()
    {
        using var bed = BedOf(2 * Page);
        WritePages(bed, "one", 3);
        Directory.CreateDirectory(Path.Combine(bed.Source, "a"));
        bed.Write("a/b", Text("one"));
        File.CreateSymbolicLink(Path.Combine(bed.Source, "to-page"), "page1");
        Publish(bed);
        bed.Follow().Dispose();
        var secret = Path.Combine(bed.Root, "secret");
        Directory.CreateDirectory(secret);
        File.WriteAllText(Path.Combine(secret, "b"), "secret");
        Directory.Delete(Path.Combine(bed.Served(), "a"), recursive: true);
        File.CreateSymbolicLink(Path.Combine(bed.Served(), "a"), secret);
        Unused(bed, days: 9, "page1", "page2");
        bed.Follow().Dispose();
        Assert.Equal("secret", File.ReadAllText(Path.Combine(secret, "b")));
        Assert.Equal(FileKind.File, FileStatus.TryRead(Path.Combine(secret, "b"))!.Value.Kind);
        Assert.Equal(Text("one"), bed.Read("to-page"));
    }

    [SkippableFact]
    public void Killed_at_any_call_in_between_every_file_can_be_read_and_the_next_look_finishes()
    {
        Skip.IfNot(File.Exists("/usr/bin/strace"), "strace is not installed: apt-get install strace");
        var points = new KillPoints();
        foreach (var (kind, call) in points.All())
        {
            using var bed = BedOf(2 * Page);
            WritePages(bed, "one", 4);
            Publish(bed);
            bed.Follow().Dispose();
            Unused(bed, days: 2, "page1", "page2");
            var code = Child.RunKilledAt(kind, call, "follow", bed.Root, "budget");
            Assert.All(Enumerable.Range(1, 4), page => Assert.Equal(Text("one"), bed.Read($"page{page}")));

            // That was a use.
            Unused(bed, days: 2, "page1", "page2");
            bed.Follow().Dispose();
            Assert.Equal(["page3", "page4"], Here(bed));
            Assert.All(Enumerable.Range(1, 4), page => Assert.Equal(Text("one"), bed.Read($"page{page}")));
            points.Met(kind, code);
        }

        Assert.InRange(points.Deaths, 8, 200);
    }

    internal static StaticBed BedOf(long budget, string? root = null)
    {
        var bed = new StaticBed(root);
        bed.Settings = bed.Settings with { Budget = budget };
        return bed;
    }

    private static string Text(string words) => words.PadRight(Page, '.');

    private static void WritePages(StaticBed bed, string words, int count)
    {
        for (var page = 1; page <= count; page++)
        {
            bed.Write($"page{page}", Text(words));
            File.SetLastWriteTimeUtc(Path.Combine(bed.Source, $"page{page}"), DateTime.UnixEpoch.AddDays(1));
        }
    }

    private static void Unused(StaticBed bed, int days, params string[] paths)
    {
        foreach (var path in paths)
        {
            FileAttribution.SetAccessed(Path.Combine(bed.Served(), path), (DateTimeOffset.UtcNow.AddDays(-days).AddMinutes(-1) - DateTimeOffset.UnixEpoch).Ticks * 100);
        }
    }

    /// <summary>Without following links, which is a use.</summary>
    private static int DaysUnused(StaticBed bed, string page)
    {
        using var directory = OpenDirectory.TryOpen(MountPoints.RealPathOf(bed.Served()))!;
        return (DateTimeOffset.UtcNow - DateTimeOffset.UnixEpoch.AddTicks(FileStatus.TryReadWithUse(directory, page)!.Value.AccessedNs / 100)).Days;
    }

    private static ulong Inode(StaticBed bed, string path) => FileStatus.TryRead(Path.Combine(bed.Served(), path))!.Value.Inode;

    private static IEnumerable<string> Here(StaticBed bed) => FilesBelow(MountPoints.RealPathOf(bed.Served()), "").Order(StringComparer.Ordinal);

    private static IEnumerable<string> FilesBelow(string directory, string prefix) => DirectoryNames.Of(directory).Names.SelectMany(name =>
        FileStatus.TryRead(Path.Combine(directory, name))?.Kind switch
        {
            FileKind.File => [prefix + name],
            FileKind.Directory => FilesBelow(Path.Combine(directory, name), $"{prefix}{name}/"),
            _ => Enumerable.Empty<string>(),
        });
}
