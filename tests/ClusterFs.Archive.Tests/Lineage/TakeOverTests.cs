using ClusterFs.Archive.Capture;
using ClusterFs.Archive.Lineage;
using ClusterFs.Archive.Log;

namespace ClusterFs.Archive.Tests.Lineage;

public sealed class TakeOverTests : IDisposable
{
    private readonly TestBed _bed = new();

    [Fact]
    public void The_first_owner_adopts_data_that_was_there_before()
    {
        _bed.Write("n1", "page", "old");
        Assert.Equal(ContentBasis.Adopted, _bed.TakeOver("n1", 1).Basis);
        Assert.Equal("old", _bed.Read("n1", "page"));
    }

    [Fact]
    public void The_first_owner_without_data_starts_empty() => Assert.Equal(ContentBasis.Empty, _bed.TakeOver("n1", 1).Basis);

    [Fact]
    public void Another_node_goes_on_with_the_newest_dump()
    {
        _bed.Write("n1", "page", "first");
        _bed.TakeOver("n1", 1);
        _bed.Dump("n1", 1);
        _bed.Write("n1", "page", "second");
        _bed.Dump("n1", 1);

        var ready = _bed.TakeOver("n2", 2);

        Assert.Equal((ContentBasis.Restored, 3L), (ready.Basis, ready.Head!.Slot));
        Assert.Equal("second", _bed.Read("n2", "page"));
        Assert.IsType<DumpResult.Unchanged>(_bed.On("n2", content => content.Dump(2, CancellationToken.None)));
    }

    [Fact]
    public void The_node_that_held_the_last_epoch_keeps_its_newer_content()
    {
        _bed.Write("n1", "page", "dumped");
        _bed.TakeOver("n1", 1);
        _bed.Dump("n1", 1);
        _bed.Write("n1", "page", "newer than the line");

        var ready = _bed.TakeOver("n1", 2);

        Assert.Equal(ContentBasis.KeptByLineage, ready.Basis);
        Assert.Equal("newer than the line", _bed.Read("n1", "page"));
        Assert.Empty(_bed.Archive.ListDivergent(CancellationToken.None));
        Assert.Equal(2, _bed.Dump("n1", 2).Epoch);
    }

    [Fact]
    public void Content_that_never_reached_the_line_is_kept_before_it_is_replaced()
    {
        FailOverFromN1();
        var ready = _bed.TakeOver("n1", 3);

        Assert.Equal(ContentBasis.Restored, ready.Basis);
        Assert.Equal("by n2", _bed.Read("n1", "page"));
        var kept = Assert.Single(_bed.Archive.ListDivergent(CancellationToken.None));
        Assert.Equal(("n1", 1L, (long?)2, ready.Kept!.Id), (kept.Node, kept.Epoch, kept.BaseSlot, kept.Id));
        _bed.Archive.RestoreTo(kept.Content, _bed.Scratch("kept"), null, CancellationToken.None);
        Assert.Equal("lost", File.ReadAllText(Path.Combine(_bed.Scratch("kept"), "page")));
    }

    [Fact]
    public void A_returning_node_keeps_its_divergent_content_once()
    {
        FailOverFromN1();
        var first = Keep("n1");
        var size = _bed.PackBytes();
        var second = Keep("n1");
        Assert.Equal(ContentBasis.Restored, _bed.TakeOver("n1", 3).Basis);

        Assert.NotNull(first);
        Assert.Equal(first.Id, second!.Id);
        Assert.Single(_bed.Archive.ListDivergent(CancellationToken.None));
        Assert.Equal(size, _bed.PackBytes());
        Assert.Null(Keep("n1"));
    }

    [Fact]
    public void Keeping_twice_makes_one_record_even_if_a_crash_kept_it_from_the_marker()
    {
        FailOverFromN1();
        var marker = Path.Combine(_bed.Root, "n1", ".live.clusterfs", "lineage.json");
        var before = File.ReadAllBytes(marker);
        Keep("n1");
        File.WriteAllBytes(marker, before);
        Keep("n1");
        Assert.Single(_bed.Archive.ListDivergent(CancellationToken.None));
    }

    [Fact]
    public void Content_that_is_all_in_the_line_is_not_divergent()
    {
        _bed.Write("n1", "page", "dumped");
        _bed.TakeOver("n1", 1);
        _bed.Dump("n1", 1);
        _bed.TakeOver("n2", 2);
        _bed.Write("n2", "page", "by n2");
        _bed.Dump("n2", 2);

        Assert.Null(Keep("n1"));
        var ready = _bed.TakeOver("n1", 3);
        Assert.Equal((ContentBasis.Restored, null), (ready.Basis, ready.Kept));
    }

    [Fact]
    public void A_node_that_was_not_superseded_has_nothing_divergent()
    {
        _bed.Write("n1", "page", "dumped");
        _bed.TakeOver("n1", 1);
        _bed.Dump("n1", 1);
        _bed.Write("n1", "page", "newer");
        Assert.Null(Keep("n1"));
    }

    [Fact]
    public void A_claim_that_must_exist_and_is_not_visible_yet_does_not_pass_for_none()
    {
        FailOverFromN1();
        var (claim, dump) = (_bed.Archive.Log.FileOf(3), _bed.Archive.Log.FileOf(4));
        File.Move(claim, _bed.Scratch("claim"));
        File.Move(dump, _bed.Scratch("dump"));

        var error = Assert.Throws<SharedStorageException>(() => Keep("n1", runsUnder: 2));
        Assert.Contains("the claim of epoch 2 cannot be seen yet", error.Message, StringComparison.Ordinal);
        Assert.Null(Keep("n1", runsUnder: 1));

        File.Move(_bed.Scratch("claim"), claim);
        File.Move(_bed.Scratch("dump"), dump);
        Assert.NotNull(Keep("n1", runsUnder: 2));
    }

    [Fact]
    public void Data_found_on_a_node_without_lineage_is_kept_before_the_line_replaces_it()
    {
        _bed.Write("n1", "page", "line");
        _bed.TakeOver("n1", 1);
        _bed.Dump("n1", 1);
        _bed.Write("n2", "page", "of unknown origin");

        var ready = _bed.TakeOver("n2", 2);

        Assert.Equal("line", _bed.Read("n2", "page"));
        Assert.Equal(0, ready.Kept!.Epoch);
    }

    [Fact]
    public void Content_without_a_dump_in_the_line_is_kept_and_the_next_epoch_starts_empty()
    {
        _bed.TakeOver("n1", 1);
        _bed.Write("n1", "page", "never dumped");
        _bed.TakeOver("n2", 2);
        var ready = _bed.TakeOver("n1", 3);

        Assert.Equal(ContentBasis.Empty, ready.Basis);
        Assert.NotNull(ready.Kept);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_bed.Live("n1")));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void An_unreadable_marker_keeps_content_from_being_adopted_also_after_a_failed_attempt(long next)
    {
        _bed.Write("n1", "page", "of unknown origin");
        var directory = Directory.CreateDirectory(Path.Combine(_bed.Root, "n1", ".live.clusterfs"));
        File.WriteAllText(Path.Combine(directory.FullName, "lineage.json"), "not a marker");
        Assert.Throws<SharedStorageException>(() => _bed.On(
            "n1",
            content => content.TakeOver(1, null, CancellationToken.None),
            point => throw new SharedStorageException(_bed.Shared, $"gone when {point}")));

        var ready = _bed.TakeOver("n1", next);

        Assert.Equal(ContentBasis.Empty, ready.Basis);
        Assert.NotNull(ready.Kept);
    }

    [Fact]
    public void A_failed_attempt_does_not_keep_data_that_was_there_before_from_being_adopted()
    {
        _bed.Write("n1", "page", "old");
        Assert.Throws<SharedStorageException>(() => _bed.On(
            "n1",
            content => content.TakeOver(1, null, CancellationToken.None),
            point => throw new SharedStorageException(_bed.Shared, $"gone when {point}")));
        Assert.Equal(ContentBasis.Adopted, _bed.TakeOver("n1", 1).Basis);
    }

    [Fact]
    public void Content_equal_to_the_head_is_not_restored()
    {
        _bed.Write("n1", "page", "same");
        _bed.TakeOver("n1", 1);
        _bed.Dump("n1", 1);
        _bed.TakeOver("n2", 2);
        Assert.Equal(ContentBasis.EqualToHead, _bed.TakeOver("n1", 3).Basis);
    }

    [Fact]
    public void An_emptied_directory_is_no_proof()
    {
        _bed.Write("n1", "page", "dumped");
        _bed.TakeOver("n1", 1);
        _bed.Dump("n1", 1);
        Directory.Delete(_bed.Live("n1"), recursive: true);
        Directory.CreateDirectory(_bed.Live("n1"));
        Assert.Equal(ContentBasis.Restored, _bed.TakeOver("n1", 2).Basis);
        Assert.Equal("dumped", _bed.Read("n1", "page"));
    }

    [Fact]
    public void A_stale_owners_dump_is_refused_and_its_content_kept()
    {
        using var stale = _bed.Open("n1");
        stale.TakeOver(1, null, CancellationToken.None);
        _bed.Write("n1", "page", "dumped");
        Assert.IsType<DumpResult.Committed>(stale.Dump(1, CancellationToken.None));
        _bed.TakeOver("n2", 2);
        _bed.Write("n1", "page", "too late");

        var refused = Assert.IsType<DumpResult.Superseded>(stale.Dump(1, CancellationToken.None));

        Assert.Equal(("n2", 2L), (refused.By.Node, refused.By.Epoch));
        Assert.NotNull(stale.KeepDivergent("refused", CancellationToken.None));
        Assert.Equal(3, _bed.Archive.List(CancellationToken.None).Count);
    }

    [Fact]
    public void A_claim_that_wins_the_slot_while_a_dump_is_being_written_ends_the_writer()
    {
        _bed.TakeOver("n1", 1);
        _bed.Write("n1", "page", "racing");
        var refused = _bed.On(
            "n1",
            content => content.Dump(1, CancellationToken.None),
            point =>
            {
                if (point == "pack published")
                {
                    _bed.TakeOver("n2", 2);
                }
            });
        Assert.IsType<DumpResult.Superseded>(refused);
        Assert.Empty(Directory.EnumerateFiles(Path.Combine(_bed.Archive.Root, "packs")));
    }

    [Fact]
    public void An_epoch_once_superseded_cannot_be_taken_over()
    {
        _bed.TakeOver("n2", 5);
        Assert.IsType<TakeOverResult.Superseded>(_bed.On("n1", content => content.TakeOver(5, null, CancellationToken.None)));
        Assert.Single(_bed.Archive.List(CancellationToken.None));
    }

    [Fact]
    public void A_dump_under_an_epoch_not_taken_over_is_refused()
    {
        _bed.TakeOver("n1", 1);
        Assert.Throws<LocalContentException>(() => _bed.Dump("n1", 2));
    }

    [Fact]
    public void Another_archive_at_the_same_path_is_not_taken_for_ours()
    {
        _bed.Write("n1", "page", "dumped");
        _bed.TakeOver("n1", 1);
        Directory.Delete(_bed.Archive.Root, recursive: true);
        _bed.TakeOver("n2", 1);
        _bed.Write("n2", "x", "y");
        Assert.Throws<LocalContentException>(() => _bed.Dump("n1", 1));
    }

    [Fact]
    public void Two_processes_cannot_look_after_one_live_path()
    {
        using var first = _bed.Open("n1");
        Assert.Throws<LocalContentException>(() => _bed.Open("n1"));
    }

    [Fact]
    public void A_symbolic_link_cannot_be_a_live_path()
    {
        Directory.CreateDirectory(Path.Combine(_bed.Root, "n1"));
        Directory.CreateSymbolicLink(_bed.Live("n1"), _bed.Shared);
        Assert.Throws<LocalContentException>(() => _bed.Open("n1"));
    }

    [Fact]
    public void Live_content_that_vanished_is_not_dumped_as_empty()
    {
        _bed.Write("n1", "page", "dumped");
        _bed.TakeOver("n1", 1);
        _bed.Dump("n1", 1);
        Directory.Delete(_bed.Live("n1"), recursive: true);
        Assert.Throws<LocalContentException>(() => _bed.Dump("n1", 1));
    }

    [Fact]
    public void Whether_content_counts_follows_the_rules()
    {
        Assert.Equal(TakeOverPlan.Keep, LineageRules.Decide(proven: true, hasMarker: true, hasHead: true, LocalState.Present));
        Assert.Equal(TakeOverPlan.Keep, LineageRules.Decide(proven: true, hasMarker: true, hasHead: false, LocalState.Present));
        Assert.Equal(TakeOverPlan.RestoreHead, LineageRules.Decide(proven: true, hasMarker: true, hasHead: true, LocalState.Empty));
        Assert.Equal(TakeOverPlan.RestoreHead, LineageRules.Decide(proven: false, hasMarker: false, hasHead: true, LocalState.Present));
        Assert.Equal(TakeOverPlan.StartEmpty, LineageRules.Decide(proven: false, hasMarker: true, hasHead: false, LocalState.Present));
        Assert.Equal(TakeOverPlan.Adopt, LineageRules.Decide(proven: false, hasMarker: false, hasHead: false, LocalState.Present));
    }

    public void Dispose() => _bed.Dispose();

    /// <summary>n1 dies with content beyond its last dump; n2 goes on.</summary>
    private void FailOverFromN1()
    {
        _bed.Write("n1", "page", "dumped");
        _bed.TakeOver("n1", 1);
        _bed.Dump("n1", 1);
        _bed.Write("n1", "page", "lost");
        _bed.TakeOver("n2", 2);
        _bed.Write("n2", "page", "by n2");
        _bed.Dump("n2", 2);
    }

    private DivergentRecord? Keep(string node, long? runsUnder = null) =>
        _bed.On(node, content => content.KeepDivergent("test", CancellationToken.None, runsUnder));
}
