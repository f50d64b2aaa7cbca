using System.Diagnostics;
using ClusterFs.Archive.Capture;
using ClusterFs.Archive.Lineage;

namespace ClusterFs.Archive.Tests.Lineage;

/// <summary>The node's disk is put back to an earlier state, live content and marker alike, while the line went on.</summary>
public sealed class RolledBackDiskTests : IDisposable
{
    private readonly TestBed _bed = new();

    [Fact]
    public void Content_older_than_its_own_dumps_is_kept_and_the_head_restored()
    {
        RollBack(later: 3, beyond: "never in the line");

        var ready = _bed.TakeOver("n1", 2);

        Assert.Equal((ContentBasis.Restored, 5L), (ready.Basis, ready.Head!.Slot));
        Assert.Equal("later 3", _bed.Read("n1", "page"));
        Assert.Equal(2, ready.Kept!.BaseSlot);
        _bed.Archive.RestoreTo(ready.Kept.Content, _bed.Scratch("kept"), null, CancellationToken.None);
        Assert.Equal("never in the line", File.ReadAllText(Path.Combine(_bed.Scratch("kept"), "page")));
    }

    [Fact]
    public void Looking_for_divergent_content_does_not_make_old_content_pass_for_new()
    {
        RollBack(later: 2);
        Assert.Null(_bed.On("n1", content => content.KeepDivergent("test", CancellationToken.None)));
        Assert.Equal(ContentBasis.Restored, _bed.TakeOver("n1", 2).Basis);
        Assert.Equal("later 2", _bed.Read("n1", "page"));
    }

    [Fact]
    public void The_same_epoch_does_not_go_on_with_older_content_either()
    {
        RollBack(later: 2);
        Assert.Throws<LocalContentException>(() => _bed.Dump("n1", 1));

        var ready = _bed.TakeOver("n1", 1);

        Assert.Equal((ContentBasis.Restored, 4L), (ready.Basis, ready.Head!.Slot));
        Assert.Equal("later 2", _bed.Read("n1", "page"));
        Assert.Equal(ContentBasis.KeptByLineage, _bed.TakeOver("n1", 1).Basis);
        _bed.Write("n1", "page", "goes on");
        Assert.Equal(5, _bed.Dump("n1", 1).Slot);
    }

    [Fact]
    public void The_one_dump_that_a_crash_kept_from_the_marker_is_no_sign_of_an_older_disk()
    {
        _bed.TakeOver("n1", 1);
        _bed.Write("n1", "page", "dumped");
        _bed.Dump("n1", 1);
        var marker = File.ReadAllBytes(Marker);
        _bed.Write("n1", "page", "dumped without the marker");
        _bed.Dump("n1", 1);
        File.WriteAllBytes(Marker, marker);
        _bed.Write("n1", "page", "newer than the line");

        Assert.Equal(ContentBasis.KeptByLineage, _bed.TakeOver("n1", 2).Basis);
        Assert.Equal("newer than the line", _bed.Read("n1", "page"));
    }

    /// <summary>Its claim was under way then: the nonce is the marker's own, and only the dump tells what became of it.</summary>
    [Fact]
    public void An_epoch_that_has_dumps_was_opened_whatever_an_older_disk_says()
    {
        var pending = Array.Empty<byte>();
        _bed.On("n1", content => content.TakeOver(1, null, CancellationToken.None), point => pending = point == "claimed" ? File.ReadAllBytes(Marker) : pending);
        File.WriteAllBytes(Marker, pending);
        Assert.True(_bed.On("n1", content => content.WasNeverOpened(1, CancellationToken.None)));
        _bed.TakeOver("n1", 1);
        _bed.Write("n1", "page", "dumped");
        _bed.Dump("n1", 1);
        File.WriteAllBytes(Marker, pending);

        Assert.False(_bed.On("n1", content => content.WasNeverOpened(1, CancellationToken.None)));
    }

    [Fact]
    public void What_a_dump_holds_is_durable_locally_before_the_dump_is_in_the_line()
    {
        var synced = new List<int>();
        using var content = LocalContent.Open(
            _bed.Archive, _bed.Live("n1"), "n1", CaptureMode.Auto, _ => { }, _ => synced.Add(_bed.Archive.List(CancellationToken.None).Count));
        content.TakeOver(1, null, CancellationToken.None);
        _bed.Write("n1", "page", "content");

        Assert.IsType<DumpResult.Committed>(content.Dump(1, CancellationToken.None));
        Assert.IsType<DumpResult.Unchanged>(content.Dump(1, CancellationToken.None));

        Assert.Equal([1], synced);
    }

    [Fact]
    public void A_dump_that_cannot_be_made_durable_locally_is_not_committed()
    {
        using var content = LocalContent.Open(
            _bed.Archive, _bed.Live("n1"), "n1", CaptureMode.Auto, _ => { }, _ => throw new IOException("the disk is failing"));
        content.TakeOver(1, null, CancellationToken.None);
        _bed.Write("n1", "page", "content");

        Assert.Throws<LocalContentException>(() => content.Dump(1, CancellationToken.None));

        Assert.Single(_bed.Archive.List(CancellationToken.None));
        Assert.Empty(Directory.EnumerateFiles(Path.Combine(_bed.Archive.Root, "packs")));
    }

    public void Dispose() => _bed.Dispose();

    private string Marker => Path.Combine(_bed.Root, "n1", ".live.clusterfs", "lineage.json");

    /// <summary>A disk as it was after the first dump, in slot 2, and a line with so many dumps more.</summary>
    private void RollBack(int later, string? beyond = null)
    {
        _bed.TakeOver("n1", 1);
        _bed.Write("n1", "page", "first");
        _bed.Dump("n1", 1);
        var (disk, before) = (Path.Combine(_bed.Root, "n1"), _bed.Scratch("before"));
        Copy(disk, before);
        for (var i = 1; i <= later; i++)
        {
            _bed.Write("n1", "page", $"later {i}");
            _bed.Dump("n1", 1);
        }

        Directory.Delete(disk, recursive: true);
        Directory.Move(before, disk);
        if (beyond is not null)
        {
            _bed.Write("n1", "page", beyond);
        }
    }

    private static void Copy(string from, string to)
    {
        using var copy = Process.Start("cp", ["-a", from, to]);
        copy.WaitForExit();
        Assert.Equal(0, copy.ExitCode);
    }
}
