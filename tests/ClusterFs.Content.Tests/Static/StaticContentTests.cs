using System.Collections.Immutable;
using System.Diagnostics;
using ClusterFs.Configuration;
using ClusterFs.Content.Static;
using ClusterFs.Posix;
using static ClusterFs.Content.Tests.Static.StaticSteps;

namespace ClusterFs.Content.Tests.Static;

public sealed class StaticContentTests
{
    public static TheoryData<string> Forms => ["none", "local"];

    [Theory]
    [MemberData(nameof(Forms))]
    public void A_node_serves_what_was_published_and_what_was_published_next(string form)
    {
        using var bed = BedOf(form);
        bed.Write("index.html", "one");
        bed.Write("a/b.html", "deep");
        Publish(bed);
        using var content = bed.Follow();
        Assert.Equal((StaticCondition.Current, 1L, 1L), (content.State.Condition, content.State.Current, content.State.Head));
        Assert.Equal(("one", "deep"), (bed.Read("index.html"), bed.Read("a/b.html")));
        bed.Write("index.html", "two");
        Publish(bed);
        using var next = bed.Follow();
        Assert.Equal(("two", "deep"), (bed.Read("index.html"), bed.Read("a/b.html")));
        Assert.Equal(2, bed.Store().List(CancellationToken.None).Switched);
    }

    [Fact]
    public void A_local_copy_is_served_without_shared_storage_and_the_status_says_how_old_it_is()
    {
        using var bed = BedOf("local");
        bed.Write("index.html", "one");
        Publish(bed);
        bed.Follow().Dispose();
        Directory.Move(bed.Shared, bed.Shared + ".away");
        using var content = bed.Start(new StaticBed.Cluster { Reachable = ["n1"] });
        content.Start();
        Await("it says so", () => content.State.Condition == StaticCondition.Unknown && content.State.Reason!.Contains("is missing", StringComparison.Ordinal));
        Assert.Equal("one", bed.Read("index.html"));
        Assert.Matches(@"; generation 1 of \d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ is served on$", content.State.Reason);
        Assert.NotNull(content.State.PublishedAt);
        Directory.Move(bed.Shared + ".away", bed.Shared);
        Await("it is well again", () => content.State.Condition == StaticCondition.Current);
    }

    [Fact]
    public void Unchanged_files_of_a_copy_are_links_and_only_changes_are_fetched()
    {
        using var bed = BedOf("local");
        bed.Write("same", new string('x', 50_000));
        bed.Write("touched", "touched");
        bed.Write("other", "one");
        Publish(bed);
        bed.Follow().Dispose();
        var inode = FileStatus.TryRead(Path.Combine(bed.Served(), "same"))!.Value.Inode;
        bed.Write("other", "two");
        File.SetUnixFileMode(Path.Combine(bed.Source, "touched"), (UnixFileMode)0x1ED);
        Publish(bed);
        bed.Follow().Dispose();
        Assert.Equal(inode, FileStatus.TryRead(Path.Combine(bed.Served(), "same"))!.Value.Inode);
        Assert.Equal(("two", "touched"), (bed.Read("other"), bed.Read("touched")));
        Assert.Equal((UnixFileMode)0x16D, File.GetUnixFileMode(Path.Combine(bed.Served(), "touched")));
    }

    [Fact]
    public void A_copy_that_somebody_changed_is_no_base_for_the_next_one()
    {
        using var bed = BedOf("local");
        bed.Write("same", "right");
        bed.Write("other", "one");
        Publish(bed);
        bed.Follow().Dispose();
        var file = Path.Combine(bed.Served(), "same");
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        File.WriteAllText(file, "wrong");
        bed.Write("other", "two");
        Publish(bed);
        bed.Follow().Dispose();
        Assert.Equal("right", bed.Read("same"));
    }

    [Fact]
    public void A_file_that_is_open_stays_readable_and_no_more_than_two_copies_are_kept()
    {
        using var bed = BedOf("local");
        bed.Write("index.html", "one");
        Publish(bed);
        bed.Follow().Dispose();
        using var open = File.OpenRead(Path.Combine(bed.Served(), "index.html"));
        for (var number = 2; number <= 5; number++)
        {
            bed.Write("index.html", $"number {number}");
            Publish(bed);
            bed.Follow().Dispose();
        }

        Assert.Equal("one", new StreamReader(open).ReadToEnd());
        Assert.Equal(
            ["4 copy", "4 copy.json", "5 copy", "5 copy.json"],
            Directory.EnumerateFileSystemEntries(bed.Place()).Select(path => string.Join(' ', Path.GetFileName(path).Split('-').Where((_, part) => part != 1))).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_node_that_was_away_for_longer_than_generations_are_kept_catches_up()
    {
        using var bed = BedOf("local");
        bed.Write("same", "same");
        bed.Write("index.html", "one");
        Publish(bed);
        bed.Follow().Dispose();
        for (var number = 2; number <= 6; number++)
        {
            bed.Write("index.html", $"number {number}");
            Publish(bed);
            bed.Store().Prune(2, bed.Nodes, CancellationToken.None);
        }

        using var content = bed.Follow();
        Assert.Equal((StaticCondition.Current, "number 6", "same"), (content.State.Condition, bed.Read("index.html"), bed.Read("same")));
    }

    [Fact]
    public void What_was_in_the_place_of_the_link_is_kept()
    {
        using var bed = BedOf("local");
        Directory.CreateDirectory(bed.Served());
        File.WriteAllText(Path.Combine(bed.Served(), "mine"), "mine");
        bed.Write("index.html", "one");
        Publish(bed);
        using var content = bed.Follow();
        Assert.Equal("one", bed.Read("index.html"));
        Assert.Equal("mine", File.ReadAllText(Path.Combine(Assert.Single(content.State.Kept), "mine")));
    }

    [Fact]
    public void A_link_or_a_file_that_is_not_ours_is_left_alone_and_the_others_do_not_wait()
    {
        using var bed = BedOf("local");
        File.CreateSymbolicLink(bed.Served(), bed.Source);
        bed.Write("index.html", "one");
        Publish(bed);
        var cluster = new StaticBed.Cluster { Reachable = ["n1"] };
        using var content = bed.Start(cluster);
        content.Start();
        Await("it has failed", () => content.State.Condition == StaticCondition.Failed);
        Assert.Equal($"{bed.Served()}: is a link to {bed.Source} already; remove it", content.State.Reason);
        Assert.Equal((0L, 1L), (content.Sighting.Prepared, content.Sighting.Failed));
        Assert.Equal(bed.Source, new FileInfo(bed.Served()).LinkTarget);
        Assert.Single(cluster.News, news => news.News == StaticNews.Failed);
        File.Delete(bed.Served());
        Await("it is mended", () => content.State.Condition == StaticCondition.Current);
    }

    [Theory]
    [InlineData(true, "there is no directory")]
    [InlineData(false, "is in the way")]
    public void A_place_that_cannot_be_written_is_one_clear_error_and_nothing_changes(bool isMissing, string expected)
    {
        using var bed = BedOf("local");
        bed.Write("index.html", "one");
        Publish(bed);
        var parent = Path.GetDirectoryName(bed.Served())!;
        Directory.Delete(parent);
        if (!isMissing)
        {
            Directory.CreateDirectory(parent);
            File.WriteAllText(bed.Place(), "somebody's");
        }

        var cluster = new StaticBed.Cluster { Reachable = ["n1"] };
        using var content = bed.Start(cluster);
        content.Start();
        Await("it has failed", () => content.State.Condition == StaticCondition.Failed);
        Assert.Contains(expected, content.State.Reason, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', content.State.Reason!);
        Assert.Equal(isMissing ? 0 : 1, Directory.Exists(parent) ? Directory.EnumerateFileSystemEntries(parent).Count() : 0);
    }

    [Fact]
    public void Nodes_switch_when_all_that_can_be_reached_are_ready_and_one_that_was_away_follows()
    {
        using var bed = new StaticBed(nodes: 3);
        bed.Write("index.html", "one");
        Publish(bed);
        var cluster = new StaticBed.Cluster { Reachable = ["n1", "n2", "n3"] };
        using var n1 = bed.Start(cluster, "n1");
        using var n2 = bed.Start(cluster, "n2");
        n1.LookOnce(CancellationToken.None);
        n1.SwitchIfReady();
        n2.LookOnce(CancellationToken.None);
        n2.SwitchIfReady();
        Assert.Equal((StaticCondition.Behind, "generation 1 is ready, waiting for n3"), (n2.State.Condition, n2.State.Reason));
        Assert.Equal((0, 0), (n1.Sighting.Current, n2.Sighting.Current));
        cluster.Reachable = ["n1", "n2"];
        n1.SwitchIfReady();
        n2.SwitchIfReady();
        Assert.Equal((1, 1), (n1.Sighting.Current, n2.Sighting.Current));
        n1.LookOnce(CancellationToken.None);

        // Alone, before it has heard of anybody: shared storage tells.
        using var n3 = bed.Start(new StaticBed.Cluster(), "n3");
        Assert.False(n3.CaughtUp.IsCompleted);
        n3.LookOnce(CancellationToken.None);
        Assert.False(n3.CaughtUp.IsCompleted);
        n3.SwitchIfReady();
        Assert.True(n3.CaughtUp.IsCompleted);
        Assert.Equal("one", bed.Read("index.html", "n3"));
    }

    [Fact]
    public async Task A_reader_that_reads_all_the_time_never_meets_an_error_nor_half_a_generation()
    {
        using var bed = new StaticBed();
        WriteAll(bed, 1);
        Publish(bed);
        using var content = bed.Start(new StaticBed.Cluster { Reachable = ["n1"] });
        content.Start();
        Await("it serves", () => content.State.Condition == StaticCondition.Current);
        using var stopping = new CancellationTokenSource();
        var seen = new HashSet<string>();
        var reader = Task.Factory.StartNew(
            () =>
            {
                while (!stopping.IsCancellationRequested)
                {
                    // One open after the other: each is of one generation, whole.
                    var text = bed.Read("page7.html");
                    Assert.Equal(text[..10], text[^10..]);
                    seen.Add(text[..10]);
                }
            },
            TaskCreationOptions.LongRunning);
        for (var number = 2; number <= 6; number++)
        {
            WriteAll(bed, number);
            Publish(bed);
            content.LookNow();
            Await($"generation {number} is served", () => content.Sighting.Current == number);
        }

        await stopping.CancelAsync();
        await reader;
        Assert.True(seen.Count > 3, string.Join(' ', seen));
    }

    [Fact]
    public void Another_kind_of_cache_is_taken_into_use_without_another_generation()
    {
        using var bed = BedOf("none");
        bed.Write("index.html", "one");
        Publish(bed);
        bed.Follow().Dispose();
        Assert.StartsWith(bed.Shared, MountPoints.RealPathOf(bed.Served()), StringComparison.Ordinal);
        bed.Settings = bed.Settings with { Cache = CacheKind.Local };
        bed.Follow().Dispose();
        Assert.Matches("^1-[0-9a-f]{12}-copy$", Path.GetFileName(MountPoints.RealPathOf(bed.Served())));

        // Published while all nodes had copies: who needs the files as they are makes them.
        bed.Write("index.html", "two");
        Publish(bed);
        bed.Settings = bed.Settings with { Cache = CacheKind.None };
        bed.Follow().Dispose();
        Assert.Equal("two", bed.Read("index.html"));
        Assert.StartsWith(bed.Shared, MountPoints.RealPathOf(bed.Served()), StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public void Where_a_log_begins_anew_its_first_generation_is_served_and_not_another_ones_with_its_number(string form)
    {
        foreach (var before in new[] { 1, 3 })
        {
            using var bed = BedOf(form);
            for (var number = 1; number <= before; number++)
            {
                bed.Write("index.html", $"old {number}");
                Publish(bed);
                bed.Follow().Dispose();
            }

            Directory.Delete(Path.Combine(bed.Shared, "clusterfs", "static"), recursive: true);
            bed.Write("index.html", "new");
            Publish(bed);
            using var content = bed.Follow();
            Assert.Equal((StaticCondition.Current, 1L, "new"), (content.State.Condition, content.State.Current, bed.Read("index.html")));
            Assert.Equal((1L, 1L), (content.Sighting.Current, bed.Store().List(CancellationToken.None).Switched));
        }
    }

    [Fact]
    public void After_a_rollback_what_is_here_still_is_used_again()
    {
        using var bed = BedOf("local");
        bed.Write("index.html", "one");
        Publish(bed);
        bed.Follow().Dispose();
        var inode = FileStatus.TryRead(Path.Combine(bed.Served(), "index.html"))!.Value.Inode;
        bed.Write("index.html", "two");
        Publish(bed);
        bed.Follow().Dispose();
        _ = bed.Store().Rollback(null, "n1", CancellationToken.None);
        bed.Follow().Dispose();
        Assert.Equal(("one", inode), (bed.Read("index.html"), FileStatus.TryRead(Path.Combine(bed.Served(), "index.html"))!.Value.Inode));
    }

    [Fact]
    public void A_node_that_cannot_write_its_notes_is_current_all_the_same()
    {
        using var bed = BedOf("local");
        bed.Write("index.html", "one");
        Publish(bed);
        Directory.CreateDirectory(Path.Combine(bed.Store().Root, "serving", "n1"));
        using var content = bed.Follow();
        Assert.Equal((StaticCondition.Current, true), (content.State.Condition, content.CaughtUp.IsCompleted));
    }

    [Fact]
    public void A_generation_that_cannot_be_had_keeps_nothing_from_starting()
    {
        using var bed = BedOf("local");
        bed.Write("index.html", "one");
        Publish(bed);
        bed.Follow().Dispose();
        File.Delete(bed.Served());
        File.WriteAllText(bed.Served(), "in the way");
        using var content = bed.Start(new StaticBed.Cluster { Reachable = ["n1"] });
        content.Start();
        Await("it has caught up as far as it can", () => content.CaughtUp.IsCompleted);
        Assert.Equal("in the way", File.ReadAllText(bed.Served()));
    }
}
