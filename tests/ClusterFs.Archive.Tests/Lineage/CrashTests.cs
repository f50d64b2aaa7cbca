using ClusterFs.Archive.Capture;
using ClusterFs.Archive.Lineage;
using ClusterFs.Archive.Log;

namespace ClusterFs.Archive.Tests.Lineage;

/// <summary>The process dies at every point of a takeover and of a dump, by a real SIGKILL.</summary>
public sealed class CrashTests : IDisposable
{
    private const int Killed = 128 + 9;
    private readonly TestBed _bed = new();

    [Theory]
    [InlineData("claimed", "local")]
    [InlineData("divergent stored", "local")]
    [InlineData("kept", "local")]
    [InlineData("restored", "local")]
    [InlineData("announced", "local")]
    [InlineData("exchanged", "line")]
    [InlineData("swapped", "line")]
    [InlineData("opened", "line")]
    public void A_kill_during_a_takeover_leaves_old_or_new_content_whole_and_the_next_one_succeeds(string point, string expected)
    {
        _bed.Write("n1", "page", "line");
        _bed.Write("n1", "dir/other", "line");
        _bed.TakeOver("n1", 1);
        _bed.Dump("n1", 1);
        _bed.Write("n2", "page", "local");
        _bed.Write("n2", "dir/other", "local");

        using var child = new Child("take-over", _bed.Shared, _bed.Live("n2"), "n2", "2", point);

        Assert.Equal(Killed, child.Wait());
        Assert.Equal((expected, expected), (_bed.Read("n2", "page"), _bed.Read("n2", "dir/other")));

        // The same epoch again: the same claim, not a second one.
        var again = _bed.TakeOver("n2", 2);
        Assert.Equal(3, again.Claim.Slot);
        Assert.Equal(expected == "line" ? ContentBasis.KeptByLineage : ContentBasis.Restored, again.Basis);
        Assert.Equal(("line", "line"), (_bed.Read("n2", "page"), _bed.Read("n2", "dir/other")));
        Assert.Single(_bed.Archive.ListDivergent(CancellationToken.None));
        AssertNothingLeft("n2");
    }

    [Theory]
    [InlineData("announced")]
    [InlineData("exchanged")]
    [InlineData("swapped")]
    public void A_kill_during_a_takeover_does_not_stand_in_the_way_of_the_next_epoch(string point)
    {
        _bed.Write("n1", "page", "line");
        _bed.TakeOver("n1", 1);
        _bed.Dump("n1", 1);
        _bed.Write("n2", "page", "local");
        using var child = new Child("take-over", _bed.Shared, _bed.Live("n2"), "n2", "2", point);
        Assert.Equal(Killed, child.Wait());

        _bed.TakeOver("n2", 3);

        Assert.Equal("line", _bed.Read("n2", "page"));
        Assert.Single(_bed.Archive.ListDivergent(CancellationToken.None));
        AssertNothingLeft("n2");
    }

    [Fact]
    public void Two_renames_instead_of_an_exchange_are_put_right_when_they_are_cut_between()
    {
        _bed.Write("n1", "page", "line");
        _bed.TakeOver("n1", 1);
        _bed.Dump("n1", 1);
        _bed.Write("n2", "page", "local");
        using (var child = new Child("take-over", _bed.Shared, _bed.Live("n2"), "n2", "2", "announced"))
        {
            Assert.Equal(Killed, child.Wait());
        }

        var directory = Path.Combine(_bed.Root, "n2", ".live.clusterfs");
        var staged = Assert.Single(Directory.GetDirectories(Path.Combine(directory, "staging")));
        Directory.Move(_bed.Live("n2"), Path.Combine(directory, "previous", Path.GetFileName(staged)));

        _bed.TakeOver("n2", 2);
        Assert.Equal("line", _bed.Read("n2", "page"));
        Assert.Single(_bed.Archive.ListDivergent(CancellationToken.None));
    }

    [Theory]
    [InlineData("captured", 1)]
    [InlineData("pack published", 1)]
    [InlineData("committed", 2)]
    public void A_kill_during_a_dump_leaves_a_line_that_goes_on(string point, int slots)
    {
        _bed.Write("n1", "page", "content");
        _bed.TakeOver("n1", 1);
        using var child = new Child("dump", _bed.Shared, _bed.Live("n1"), "n1", "1", point);
        Assert.Equal(Killed, child.Wait());
        Assert.Equal(slots, _bed.Archive.List(CancellationToken.None).Count);

        var result = _bed.On("n1", content => content.Dump(1, CancellationToken.None));

        Assert.Equal(slots == 2, result is DumpResult.Unchanged);
        Assert.Equal(2, _bed.Archive.List(CancellationToken.None).Count);
        _bed.TakeOver("n2", 2);
        Assert.Equal("content", _bed.Read("n2", "page"));
    }

    [Fact]
    public void A_node_that_died_after_its_commit_and_was_superseded_has_nothing_divergent()
    {
        _bed.Write("n1", "page", "content");
        _bed.TakeOver("n1", 1);
        using var child = new Child("dump", _bed.Shared, _bed.Live("n1"), "n1", "1", "committed");
        Assert.Equal(Killed, child.Wait());
        _bed.TakeOver("n2", 2);
        Assert.Null(_bed.On("n1", content => content.KeepDivergent("test", CancellationToken.None)));
    }

    [Fact]
    public void A_commit_cut_off_before_it_was_durable_is_made_durable_before_it_is_built_on()
    {
        _bed.Write("n1", "page", "content");
        _bed.TakeOver("n1", 1);
        using (var child = new Child("dump", _bed.Shared, _bed.Live("n1"), "n1", "1", "committed"))
        {
            Assert.Equal(Killed, child.Wait());
        }

        var synced = new List<string>();
        var archive = new ServiceArchive(_bed.Shared, TestBed.Service)
        {
            Log = new SlotLog(_bed.Archive.Layout, TestBed.Service) { SyncDirectory = synced.Add },
        };
        using var content = LocalContent.Open(archive, _bed.Live("n1"), "n1", CaptureMode.Auto);
        Assert.IsType<DumpResult.Unchanged>(content.Dump(1, CancellationToken.None));
        Assert.IsType<DumpResult.Unchanged>(content.Dump(1, CancellationToken.None));
        Assert.Equal([_bed.Archive.Layout.Log], synced);
    }

    public void Dispose() => _bed.Dispose();

    private void AssertNothingLeft(string node)
    {
        var directory = Path.Combine(_bed.Root, node, ".live.clusterfs");
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(directory, "staging")));
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(directory, "previous")));
    }
}
