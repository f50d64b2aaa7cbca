using ClusterFs.Configuration;
using ClusterFs.Content.Tests.Seeded;

namespace ClusterFs.Content.Tests.Static;

/// <summary>Whatever is killed and whenever: every node serves a whole generation, the old one or the new one, and the next start finishes the work.</summary>
public sealed class StaticCrashTests
{
    [SkippableTheory]
    [InlineData("none", 10)]
    [InlineData("local", 10)]
    public void Publishing_that_is_killed_at_any_call_has_published_all_or_nothing_and_can_be_done_again(string cache, int least)
    {
        Skip.IfNot(File.Exists("/usr/bin/strace"), "strace is not installed: apt-get install strace");
        var points = new KillPoints();
        foreach (var (kind, call) in points.All())
        {
            using var bed = Bed(cache);
            Write(bed, "one");
            bed.Publish();
            bed.Follow().Dispose();
            Write(bed, "two");
            var code = Child.RunKilledAt(kind, call, "publish", bed.Root, cache);
            var listed = bed.Store().List(CancellationToken.None).Generations;
            Assert.InRange(listed.Count, code == 0 ? 2 : 1, 2);
            bed.Follow().Dispose();
            Whole(bed, listed.Count == 2 ? "two" : "one");

            // Whoever publishes again has it, once.
            bed.Publish();
            bed.Follow().Dispose();
            Whole(bed, "two");
            Assert.Equal(2, bed.Store().List(CancellationToken.None).Generations.Count);
            points.Met(kind, code);
        }

        Assert.InRange(points.Deaths, least, 400);
    }

    [SkippableTheory]
    [InlineData("none", 5)]
    [InlineData("local", 10)]
    public void A_node_that_is_killed_at_any_call_serves_a_whole_generation_and_the_next_start_finishes(string cache, int least)
    {
        Skip.IfNot(File.Exists("/usr/bin/strace"), "strace is not installed: apt-get install strace");
        var points = new KillPoints();
        foreach (var (kind, call) in points.All())
        {
            using var bed = Bed(cache);
            Write(bed, "zero");
            bed.Publish();
            bed.Follow().Dispose();
            Write(bed, "one");
            bed.Publish();
            bed.Follow().Dispose();
            Write(bed, "two");
            bed.Publish();
            var code = Child.RunKilledAt(kind, call, "follow", bed.Root, cache);
            Whole(bed, bed.Read("index.html"));
            Assert.Contains(bed.Read("index.html"), new[] { "one", "two" });
            bed.Follow().Dispose();
            Whole(bed, "two");
            Assert.Equal(4, Directory.EnumerateFileSystemEntries(bed.Place()).Count());
            points.Met(kind, code);
        }

        Assert.InRange(points.Deaths, least, 400);
    }

    [SkippableFact]
    public void A_node_that_is_killed_at_any_call_when_it_first_takes_a_directorys_place_keeps_what_was_there()
    {
        Skip.IfNot(File.Exists("/usr/bin/strace"), "strace is not installed: apt-get install strace");
        var points = new KillPoints();
        foreach (var (kind, call) in points.All())
        {
            using var bed = Bed("local");
            Directory.CreateDirectory(bed.Served());
            File.WriteAllText(Path.Combine(bed.Served(), "mine"), "mine");
            Write(bed, "two");
            bed.Publish();
            var code = Child.RunKilledAt(kind, call, "follow", bed.Root, "local");
            using var content = bed.Follow();
            Whole(bed, "two");
            Assert.Equal("mine", File.ReadAllText(Path.Combine(Assert.Single(content.State.Kept), "mine")));
            points.Met(kind, code);
        }
    }

    internal static StaticBed Bed(string cache, string? root = null) => cache == "budget"
        ? StaticBudgetTests.BedOf(2000, root)
        : new(root, cache == "none" ? CacheKind.None : CacheKind.Local);

    private static void Write(StaticBed bed, string text)
    {
        bed.Write("index.html", text);
        bed.Write("a/page.html", text);
        bed.Write("a/same.html", "same");
        File.SetLastWriteTimeUtc(Path.Combine(bed.Source, "a/same.html"), DateTime.UnixEpoch);
    }

    private static void Whole(StaticBed bed, string text)
    {
        Assert.Equal((text, text, "same"), (bed.Read("index.html"), bed.Read("a/page.html"), bed.Read("a/same.html")));
        Assert.Equal(3, Directory.EnumerateFiles(bed.Served(), "*", SearchOption.AllDirectories).Count());
    }
}
