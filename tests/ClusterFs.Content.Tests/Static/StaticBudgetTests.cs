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
        Unused(bed, days: 4, "page1", "page2", "page4");
        Unused(bed, days: 1, "page3");
        bed.Write("page2", Text("two"));
        bed.Write("page4", Text("two"));
        bed.Write("new", Text("new"));
        Publish(bed);
        bed.Follow().Dispose();

        // Unchanged, and left to shared storage before: by now it is one of those that were used last. What has just come counts as used.
        Assert.Equal((4, 1), (DaysUnused(bed, "page1"), DaysUnused(bed, "page3")));
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

    /// <summary>What is read once an hour is not noted for a day and an hour (relatime): a link that was followed since must not take its place.</summary>
    [Fact]
    public void What_was_unused_for_a_day_alone_keeps_its_place()
    {
        using var bed = BedOf(2 * Page);
        WritePages(bed, "one", 4);
        Publish(bed);
        bed.Follow().Dispose();
        Unused(bed, days: 1, "page1", "page2");
        bed.Follow().Dispose();
        Assert.Equal(["page1", "page2"], Here(bed));
    }

    /// <summary>A directory that is not its own any more takes the new file of no name: what is left over of one must not become that of the next.</summary>
    [Fact]
    public void No_name_ever_gets_the_file_of_another()
    {
        using var bed = BedOf(2 * Page);
        foreach (var (first, further) in new[] { ("a", "b/again"), ("c", "d/again") })
        {
            bed.Write(first, Text(first));
            Directory.CreateDirectory(Path.Combine(bed.Source, Path.GetDirectoryName(further)!));
            Assert.True(Durable.TryLink(Path.Combine(bed.Source, first), Path.Combine(bed.Source, further)));
        }

        bed.Write("e", Text("e"));
        bed.Write("f", Text("f"));
        Publish(bed);
        bed.Follow().Dispose();
        Assert.Equal(["a", "b/again", "c", "d/again"], Here(bed));
        File.SetUnixFileMode(Path.Combine(bed.Served(), "b"), (UnixFileMode)0x1FD);
        Unused(bed, days: 3, "a", "c");
        using var content = bed.Follow();
        Assert.Equal([Text("a"), Text("a"), Text("c"), Text("c"), Text("e"), Text("f")], new[] { "a", "b/again", "c", "d/again", "e", "f" }.Select(path => bed.Read(path)));

        // What cannot be changed stays, and takes its part of the budget; the others change places.
        Assert.Equal(["a", "b/again", "e"], Here(bed));
        Assert.Equal(2L * Page, content.State.LocalBytes);
    }

    [Fact]
    public void A_file_that_somebody_took_away_keeps_no_other_from_changing_places()
    {
        using var bed = BedOf(2 * Page);
        WritePages(bed, "one", 5);
        Publish(bed);
        bed.Follow().Dispose();
        Unused(bed, days: 3, "page1", "page2");
        File.Delete(Path.Combine(bed.Served(), "page3"));
        bed.Follow().Dispose();
        Assert.Equal(["page4", "page5"], Here(bed));
    }

    [Theory]
    [InlineData("nudged")]
    [InlineData("late")]
    public void Changing_places_ends_for_what_is_more_urgent_and_goes_on_after_it(string why)
    {
        var clock = new Clock();
        using var bed = BedOf(2 * Page);
        bed.Time = clock;
        WritePages(bed, "one", 4);
        Publish(bed);
        bed.Follow().Dispose();
        Unused(bed, days: 3, "page1", "page2");
        StaticContent? content = null;
        var given = 0;
        var caughtUp = false;
        using (content = bed.Start(new StaticBed.Cluster { Reachable = ["n1"] }, reached: step =>
        {
            if (step == "given" && given++ == 0)
            {
                caughtUp = content!.CaughtUp.IsCompleted;
                if (why == "nudged")
                {
                    content.LookNow();
                }
                else
                {
                    clock.Pass(TimeSpan.FromMinutes(1));
                }
            }
        }))
        {
            content.LookOnce(CancellationToken.None);
            Assert.True(caughtUp, "it begins before this node has said that it has caught up");
            Assert.Equal(["page2"], Here(bed));
            Assert.Equal((StaticCondition.Current, (long)Page), (content.State.Condition, content.State.LocalBytes));
            content.LookOnce(CancellationToken.None);
            Assert.Equal(["page3", "page4"], Here(bed));
            Assert.Equal(2L * Page, content.State.LocalBytes);
        }
    }

    [Fact]
    public void While_shared_storage_hangs_in_it_nobody_says_that_all_is_well()
    {
        var clock = new Clock();
        using var bed = BedOf(2 * Page);
        bed.Time = clock;
        WritePages(bed, "one", 4);
        Publish(bed);
        bed.Follow().Dispose();
        Unused(bed, days: 3, "page1", "page2");
        StaticContent? content = null;
        StaticState? hanging = null;
        using (content = bed.Start(new StaticBed.Cluster { Reachable = ["n1"] }, reached: step =>
        {
            if (step == "fetching" && hanging is null)
            {
                clock.Pass(TimeSpan.FromSeconds(20));
                hanging = content!.State;
            }
        }))
        {
            content.LookOnce(CancellationToken.None);
            Assert.Equal(StaticCondition.Unknown, hanging?.Condition);
            Assert.StartsWith("shared storage has not answered for 20 s", hanging!.Reason, StringComparison.Ordinal);
            Assert.Equal(StaticCondition.Current, content.State.Condition);
        }
    }

    /// <summary>As by a restore of shared storage without them.</summary>
    [Fact]
    public void The_files_that_links_lead_to_are_made_again_where_they_are_gone()
    {
        using var bed = BedOf(Page);
        WritePages(bed, "one", 2);
        Publish(bed);
        using var content = bed.Follow();
        Directory.Move(bed.Store().Trees, bed.Shared + ".away");
        Assert.ThrowsAny<IOException>(() => bed.Read("page2"));
        content.LookOnce(CancellationToken.None);
        Assert.Equal(Text("one"), bed.Read("page2"));
    }

    /// <summary>A file of which only the mode has changed is read to be written anew.</summary>
    [SkippableFact]
    public void What_the_daemon_reads_itself_is_no_use()
    {
        using var bed = BedOf(2 * Page);
        WritePages(bed, "one", 2);
        Publish(bed);
        bed.Follow().Dispose();
        Unused(bed, days: 3, "page2");
        _ = bed.Read("page2");
        Skip.If(DaysUnused(bed, "page2") != 0, "the scratch directory is mounted with noatime");
        Unused(bed, days: 3, "page1", "page2");
        File.SetUnixFileMode(Path.Combine(bed.Source, "page1"), (UnixFileMode)0x120);
        Publish(bed);
        bed.Follow().Dispose();
        Assert.Equal((UnixFileMode)0x120, File.GetUnixFileMode(Path.Combine(bed.Served(), "page1")));
        Assert.Equal(3, DaysUnused(bed, "page1"));
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

    private sealed class Clock : TimeProvider
    {
        private long _ahead;

        public void Pass(TimeSpan time) => _ahead += (long)(time.TotalSeconds * TimestampFrequency);

        public override long GetTimestamp() => base.GetTimestamp() + _ahead;
    }
}
