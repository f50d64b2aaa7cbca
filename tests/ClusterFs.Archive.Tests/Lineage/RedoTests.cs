using ClusterFs.Archive.Lineage;
using ClusterFs.Posix;

namespace ClusterFs.Archive.Tests.Lineage;

/// <summary>
/// A large file of a stale copy becomes that of the newest dump where it lies. Whatever cuts that short, the live path names old or new content, whole, or
/// nothing for the moment.
/// </summary>
public sealed class RedoTests : IDisposable
{
    private const int Killed = 128 + 9;
    private const int Size = 9 << 20;
    private readonly TestBed _bed = new();

    public RedoTests()
    {
        Directory.CreateDirectory(_bed.Live("n1"));
        var bytes = new byte[Size];
        new Random(1).NextBytes(bytes);
        File.WriteAllBytes(Path.Combine(_bed.Live("n1"), "db"), bytes);
        _bed.Write("n1", "page", "old");
        _bed.TakeOver("n1", 1);
        _bed.Dump("n1", 1);
        _bed.TakeOver("n2", 2);
        using (var stream = new FileStream(Path.Combine(_bed.Live("n2"), "db"), FileMode.Open))
        {
            stream.Position = 5_000_000;
            stream.Write([1, 2, 3]);
            stream.SetLength(Size + 5000);
        }

        FileAttribution.SetMode(Path.Combine(_bed.Live("n2"), "db"), 0x1A0);
        _bed.Write("n2", "page", "new");
        _bed.Dump("n2", 2);
    }

    private string Old => Path.Combine(_bed.Live("n1"), "db");

    [SkippableFact]
    public void Only_what_differs_is_written()
    {
        RequireRoom();
        var inode = FileStatus.TryRead(Old)!.Value.Inode;
        _bed.TakeOver("n1", 3);
        Assert.Equal(TestBed.Describe(_bed.Live("n2")), TestBed.Describe(_bed.Live("n1")));
        Assert.Equal(inode, FileStatus.TryRead(Old)!.Value.Inode);
        Assert.IsType<DumpResult.Unchanged>(_bed.On("n1", content => content.Dump(3, CancellationToken.None)));
    }

    [SkippableFact]
    public void A_file_with_another_name_outside_is_left_alone()
    {
        RequireRoom();
        var outside = _bed.Scratch("outside");
        Assert.True(Durable.TryLink(Old, outside));
        var before = TestBed.DigestOf(outside);
        _bed.TakeOver("n1", 3);
        Assert.Equal(before, TestBed.DigestOf(outside));
        Assert.Equal(TestBed.Describe(_bed.Live("n2")), TestBed.Describe(_bed.Live("n1")));
    }

    [SkippableTheory]
    [InlineData("announced", true)]
    [InlineData("taken", false)]
    [InlineData("applied", false)]
    [InlineData("moved in", true)]
    [InlineData("swapped", true)]
    public void A_kill_leaves_old_or_new_content_or_for_the_moment_none(string point, bool isThere)
    {
        RequireRoom();
        var old = TestBed.Describe(_bed.Live("n1"));
        var next = TestBed.Describe(_bed.Live("n2"));
        Kill(point);
        Assert.Equal(isThere, Directory.Exists(_bed.Live("n1")));
        _bed.On("n1", content => content.WasNeverOpened(9, CancellationToken.None));
        Assert.Equal(point == "announced" ? old : next, TestBed.Describe(_bed.Live("n1")));
        _bed.TakeOver("n1", 3);
        Assert.Equal(next, TestBed.Describe(_bed.Live("n1")));
        RequireNothingLeft();
    }

    [SkippableFact]
    public void An_empty_directory_that_somebody_made_meanwhile_is_not_taken_for_the_content()
    {
        RequireRoom();
        Kill("taken");
        Directory.CreateDirectory(_bed.Live("n1"));
        Assert.Equal(ContentBasis.KeptByLineage, _bed.TakeOver("n1", 3).Basis);
        Assert.Equal(TestBed.Describe(_bed.Live("n2")), TestBed.Describe(_bed.Live("n1")));
    }

    [SkippableFact]
    public void Files_that_somebody_put_there_meanwhile_are_not_deleted()
    {
        RequireRoom();
        Kill("taken");
        _bed.Write("n1", "page", "somebody's");
        var refused = Assert.Throws<LocalContentException>(() => _bed.TakeOver("n1", 3));
        Assert.Contains(_bed.Live("n1"), refused.Message, StringComparison.Ordinal);
        Assert.Equal("somebody's", _bed.Read("n1", "page"));
        Directory.Move(_bed.Live("n1"), _bed.Scratch("away"));
        _bed.TakeOver("n1", 3);
        Assert.Equal(TestBed.Describe(_bed.Live("n2")), TestBed.Describe(_bed.Live("n1")));
    }

    [SkippableFact]
    public void A_damaged_journal_is_not_carried_out_and_all_comes_from_the_archive()
    {
        RequireRoom();
        Kill("taken");
        var journal = Assert.Single(Directory.GetFiles(Path.Combine(_bed.MarkerOf("n1"), "staging"), "*.redo"));
        TestBed.FlipBit(journal, new FileInfo(journal).Length - 10);
        Assert.Equal(ContentBasis.Restored, _bed.TakeOver("n1", 3).Basis);
        Assert.Equal(TestBed.Describe(_bed.Live("n2")), TestBed.Describe(_bed.Live("n1")));
        RequireNothingLeft();
    }

    public void Dispose() => _bed.Dispose();

    private void Kill(string point)
    {
        using var child = new Child("take-over", _bed.Shared, _bed.Live("n1"), "n1", "3", point);
        Assert.Equal(Killed, child.Wait());
    }

    private void RequireRoom()
    {
        using var file = File.OpenHandle(Old, FileMode.Open, FileAccess.ReadWrite);
        Skip.IfNot(FileRoom.TryReserve(file, Size), "temporary files lie on a file system that does not write in place (ext4 does)");
    }

    private void RequireNothingLeft()
    {
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(_bed.MarkerOf("n1"), "staging")));
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(_bed.MarkerOf("n1"), "previous")));
    }
}
