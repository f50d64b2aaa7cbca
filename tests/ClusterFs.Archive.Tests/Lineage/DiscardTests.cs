using ClusterFs.Archive.Lineage;
using ClusterFs.Archive.Log;
using ClusterFs.Archive.Retention;

namespace ClusterFs.Archive.Tests.Lineage;

/// <summary>Kept content that somebody lets go of, and what counts as content to be kept.</summary>
public sealed class DiscardTests : IDisposable
{
    private static readonly RetentionPolicy KeepAll = new(1000, 0, 0, 0, 0, 0);
    private readonly TestBed _bed = new();

    [Fact]
    public void It_is_gone_for_good_also_where_it_still_lies()
    {
        var kept = _bed.LoseWritesOfN1();
        _bed.Archive.Discard(kept);
        _bed.Archive.Discard(kept);

        Assert.Empty(_bed.Archive.ListDivergent(CancellationToken.None));
        Assert.Null(Keep("n1"));
        File.SetLastWriteTimeUtc(Path.Combine(_bed.Live("n1"), "page"), DateTime.UtcNow.AddHours(-1));
        Assert.Null(Keep("n1"));
        var ready = _bed.TakeOver("n1", 3);
        Assert.Equal((ContentBasis.Restored, null), (ready.Basis, ready.Kept));
        Assert.Equal("by n2", _bed.Read("n1", "page"));
    }

    [Fact]
    public void Other_content_of_the_node_is_kept_as_ever()
    {
        _bed.Archive.Discard(_bed.LoseWritesOfN1());
        _bed.Write("n1", "page", "something else");
        Assert.NotNull(Keep("n1"));
    }

    [Fact]
    public void Its_space_is_freed_when_nobody_can_be_reading_it_any_more()
    {
        Directory.CreateDirectory(_bed.Archive.Layout.Packs);
        var kept = _bed.LoseWritesOfN1();
        var pack = _bed.PackOf(kept.Content);
        var inTheLine = _bed.Archive.List(CancellationToken.None).OfType<DumpRecord>().Sum(dump => dump.Content.StoredBytes);
        _bed.Archive.Discard(kept);

        Assert.Equal(0, _bed.Archive.Prune(KeepAll, 1, CancellationToken.None).FreedBytes);
        Assert.True(File.Exists(pack));

        var atOnce = new ServiceArchive(_bed.Shared, TestBed.Service) { PruneGrace = TimeSpan.Zero, Patience = TimeSpan.Zero };
        Assert.InRange(atOnce.Prune(KeepAll, 1, CancellationToken.None).FreedBytes, 1, long.MaxValue);
        Assert.Equal(inTheLine, _bed.PackBytes());
        Assert.Equal(0, atOnce.Prune(KeepAll, 1, CancellationToken.None).FreedBytes);
    }

    [Fact]
    public void It_may_go_while_an_adopted_dump_still_needs_its_packs()
    {
        var kept = _bed.LoseWritesOfN1();
        _bed.Archive.Adopt(kept, CancellationToken.None);
        var atOnce = new ServiceArchive(_bed.Shared, TestBed.Service) { PruneGrace = TimeSpan.Zero, Patience = TimeSpan.Zero };

        Assert.Equal(0, atOnce.Prune(KeepAll, 1, CancellationToken.None).FreedBytes);

        Assert.Empty(atOnce.Verify(kept.Content, CancellationToken.None).Damages);
    }

    [Fact]
    public void A_mode_that_was_changed_after_the_last_dump_is_kept_too()
    {
        _bed.Write("n1", "page", "dumped");
        _bed.TakeOver("n1", 1);
        _bed.Dump("n1", 1);
        File.SetUnixFileMode(Path.Combine(_bed.Live("n1"), "page"), UnixFileMode.UserRead);
        _bed.TakeOver("n2", 2);

        var change = Assert.Single(_bed.Archive.Compare(Keep("n1")!, CancellationToken.None));
        Assert.Equal(new EntryChange(ChangeKind.Changed, "page", 6), change);
    }

    /// <summary>The directory itself, as its manifest has it, and directories in it.</summary>
    [Theory]
    [InlineData(".")]
    [InlineData("inner")]
    public void A_mode_of_a_directory_that_was_changed_is_kept_too(string path)
    {
        _bed.Write("n1", "inner/page", "dumped");
        _bed.TakeOver("n1", 1);
        _bed.Dump("n1", 1);
        File.SetUnixFileMode(Path.Combine(_bed.Live("n1"), path), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        _bed.TakeOver("n2", 2);

        Assert.Equal(
            new EntryChange(ChangeKind.Changed, path, 0),
            Assert.Single(_bed.Archive.Compare(Keep("n1")!, CancellationToken.None)));
    }

    /// <summary>Whoever looks at what was kept shall see what is lost without it, and nothing else.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_differs_is_shown_and_no_time_and_no_way_of_capture(bool indexLost)
    {
        _bed.Write("n1", "page", "dumped");
        _bed.Write("n1", "touched", "same");
        _bed.Write("n1", "untouched", "same");
        _bed.TakeOver("n1", 1);
        _bed.Dump("n1", 1);
        _bed.Write("n1", "page", "lost");
        File.SetLastWriteTimeUtc(Path.Combine(_bed.Live("n1"), "touched"), DateTime.UtcNow.AddHours(-1));
        if (indexLost)
        {
            File.Delete(Path.Combine(_bed.Root, "n1", ".live.clusterfs", "index"));
        }

        _bed.TakeOver("n2", 2);

        Assert.Equal(["page"], _bed.Archive.Compare(Keep("n1")!, CancellationToken.None).Select(change => change.Path));
    }

    [Fact]
    public void A_time_that_was_changed_is_no_content()
    {
        _bed.Write("n1", "page", "dumped");
        _bed.TakeOver("n1", 1);
        _bed.Dump("n1", 1);
        File.SetLastWriteTimeUtc(Path.Combine(_bed.Live("n1"), "page"), DateTime.UtcNow.AddHours(-1));
        _bed.TakeOver("n2", 2);

        Assert.Null(Keep("n1"));
    }

    public void Dispose() => _bed.Dispose();

    private DivergentRecord? Keep(string node) => _bed.On(node, content => content.KeepDivergent("test", CancellationToken.None));
}
