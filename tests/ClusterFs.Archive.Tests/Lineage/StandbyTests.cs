using System.Diagnostics;
using ClusterFs.Archive.Capture;
using ClusterFs.Archive.Lineage;
using ClusterFs.Archive.Log;
using ClusterFs.Archive.Retention;
using ClusterFs.Posix;
using static ClusterFs.Archive.Tests.Lineage.StandbyFiles;

namespace ClusterFs.Archive.Tests.Lineage;

/// <summary>A node that does not own a service keeps a copy of its newest dump, and goes on with that when it takes over.</summary>
public sealed class StandbyTests : IDisposable
{
    private const int Size = 24 << 20;
    private readonly TestBed _bed = new();

    [Fact]
    public void The_copy_follows_every_dump_and_becomes_the_content_by_a_rename()
    {
        _bed.Write("n1", "page", "first");
        _bed.Write("n1", "gone", "first");
        _bed.TakeOver("n1", 1);
        _bed.Dump("n1", 1);
        Assert.Equal(2, Assert.IsType<FollowResult.Followed>(_bed.Follow("n2")).Dump.Slot);
        AssertSame(_bed.Live("n1"), _bed.Standby("n2"));
        _bed.Write("n1", "page", "second");
        _bed.Write("n1", "dir/new", "second");
        File.Delete(Path.Combine(_bed.Live("n1"), "gone"));
        _bed.Dump("n1", 1);
        Assert.Equal(3, Assert.IsType<FollowResult.Followed>(_bed.Follow("n2")).Dump.Slot);
        Assert.Equal(3, Assert.IsType<FollowResult.UpToDate>(_bed.Follow("n2")).Dump.Slot);
        AssertSame(_bed.Live("n1"), _bed.Standby("n2"));
        Assert.False(Directory.Exists(_bed.Live("n2")));
        var inode = InodeOf(_bed.Standby("n2"));

        var ready = _bed.TakeOver("n2", 2);

        Assert.Equal((ContentBasis.Restored, 3L), (ready.Basis, ready.Head!.Slot));
        Assert.Contains("standby copy", ready.Explanation, StringComparison.Ordinal);
        AssertSame(_bed.Live("n1"), _bed.Live("n2"));
        Assert.Equal(inode, InodeOf(_bed.Live("n2")));
        AssertNoCopy(_bed, "n2");

        // What was known of the copy is known of the content.
        Assert.IsType<DumpResult.Unchanged>(_bed.On("n2", content => content.Dump(2, CancellationToken.None)));
        _bed.Write("n2", "page", "third");
        _bed.Dump("n2", 2);
    }

    [Fact]
    public void What_has_not_changed_is_not_touched_and_a_large_file_is_patched_in_place()
    {
        WriteRandom(_bed, "n1", "db", 1);
        _bed.Write("n1", "mail/1", "same");
        _bed.TakeOver("n1", 1);
        _bed.Dump("n1", 1);
        _bed.Follow("n2");
        var before = FileStatus.TryRead(Path.Combine(_bed.Standby("n2"), "mail/1"));
        var inode = InodeOf(Path.Combine(_bed.Standby("n2"), "db"));
        Overwrite(Path.Combine(_bed.Live("n1"), "db"), 5_000_000, [1, 2, 3]);
        Grow(Path.Combine(_bed.Live("n1"), "db"), 10_000);
        _bed.Dump("n1", 1);

        var followed = Assert.IsType<FollowResult.Followed>(_bed.Follow("n2"));

        Assert.InRange(followed.FetchedBytes, 1, 1 << 20);
        AssertSame(_bed.Live("n1"), _bed.Standby("n2"));
        Assert.Equal(before, FileStatus.TryRead(Path.Combine(_bed.Standby("n2"), "mail/1")));
        Assert.Equal(inode, InodeOf(Path.Combine(_bed.Standby("n2"), "db")));
    }

    [Fact]
    public void A_copy_of_an_earlier_dump_is_brought_to_the_head()
    {
        WriteRandom(_bed, "n1", "db", 2);
        _bed.TakeOver("n1", 1);
        _bed.Dump("n1", 1);
        _bed.Follow("n2");
        var inode = InodeOf(_bed.Standby("n2"));
        Overwrite(Path.Combine(_bed.Live("n1"), "db"), 9_000_000, [1, 2, 3]);
        _bed.Dump("n1", 1);
        _bed.Write("n1", "page", "new");
        _bed.Dump("n1", 1);

        var ready = _bed.TakeOver("n2", 2);

        Assert.Equal((ContentBasis.Restored, 4L), (ready.Basis, ready.Head!.Slot));
        AssertSame(_bed.Live("n1"), _bed.Live("n2"));
        Assert.Equal(inode, InodeOf(_bed.Live("n2")));
        Assert.IsType<DumpResult.Unchanged>(_bed.On("n2", content => content.Dump(2, CancellationToken.None)));
    }

    [Fact]
    public void A_copy_that_somebody_changed_is_put_right_before_anything_starts_on_it()
    {
        WriteRandom(_bed, "n1", "db", 3);
        _bed.Write("n1", "page", "right");
        _bed.Write("n1", "dir/page", "right");
        _bed.TakeOver("n1", 1);
        _bed.Dump("n1", 1);
        _bed.Follow("n2");
        var copy = _bed.Standby("n2");
        Forge(Path.Combine(copy, "page"), "wrong");
        var status = FileStatus.TryRead(Path.Combine(copy, "db"))!.Value;
        Overwrite(Path.Combine(copy, "db"), 7_000_000, [1, 2, 3]);
        FileAttribution.SetModified(Path.Combine(copy, "db"), status.ModifiedNs);
        File.WriteAllText(Path.Combine(copy, "dir", "stray"), "wrong");
        Directory.CreateDirectory(Path.Combine(copy, "strays", "deep"));
        FileAttribution.SetMode(Path.Combine(copy, "dir/page"), 0x1FF);

        var ready = _bed.TakeOver("n2", 2);

        Assert.Contains("standby copy", ready.Explanation, StringComparison.Ordinal);
        AssertSame(_bed.Live("n1"), _bed.Live("n2"));
    }

    [Fact]
    public void A_node_that_lost_the_service_takes_from_its_own_content_what_that_has_and_leaves_it_alone()
    {
        WriteRandom(_bed, "n1", "db", 4);
        _bed.Write("n1", "page", "same");
        _bed.TakeOver("n1", 1);
        _bed.Dump("n1", 1);
        Overwrite(Path.Combine(_bed.Live("n1"), "db"), 1_000_000, [9, 9, 9]);
        _bed.TakeOver("n2", 2);
        Overwrite(Path.Combine(_bed.Live("n2"), "db"), 3_000_000, [7, 7, 7]);
        _bed.Dump("n2", 2);
        var mine = TestBed.Describe(_bed.Live("n1"));

        var followed = Assert.IsType<FollowResult.Followed>(_bed.Follow("n1"));

        Assert.InRange(followed.FetchedBytes, 1, 4 << 20);
        AssertSame(_bed.Live("n2"), _bed.Standby("n1"));
        Assert.Equal(mine, TestBed.Describe(_bed.Live("n1")));

        // What it had and the line has not is kept, as without a copy.
        var ready = _bed.TakeOver("n1", 3);
        AssertSame(_bed.Live("n2"), _bed.Live("n1"));
        _bed.Archive.RestoreTo(ready.Kept!.Content, _bed.Scratch("kept"), null, CancellationToken.None);
        AssertSame(mine, _bed.Scratch("kept"));
    }

    [Fact]
    public void There_is_no_copy_where_the_content_itself_is_the_newest()
    {
        Assert.IsType<FollowResult.NotNeeded>(_bed.Follow("n1"));
        _bed.Write("n1", "page", "first");
        _bed.TakeOver("n1", 1);
        _bed.Dump("n1", 1);
        Assert.IsType<FollowResult.NotNeeded>(_bed.Follow("n1"));
        AssertNoCopy(_bed, "n1");
    }

    [Fact]
    public void A_copy_that_is_of_no_use_any_more_goes()
    {
        _bed.Write("n1", "page", "first");
        _bed.TakeOver("n1", 1);
        _bed.Dump("n1", 1);
        _bed.Follow("n3");
        _bed.Archive.RestoreTo(_bed.Archive.List(CancellationToken.None).OfType<DumpRecord>().Last().Content, _bed.Live("n3"), null, CancellationToken.None);

        Assert.Equal(ContentBasis.EqualToHead, _bed.TakeOver("n3", 2).Basis);
        AssertNoCopy(_bed, "n3");

        Assert.False(LocalContent.HasStandby(_bed.Live("n1")));
        _bed.Follow("n1");
        Assert.True(LocalContent.HasStandby(_bed.Live("n1")));
        _bed.On("n1", content =>
        {
            content.DropStandby(CancellationToken.None);
            return true;
        });
        Assert.False(LocalContent.HasStandby(_bed.Live("n1")));
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(_bed.Root, "n1", ".live.clusterfs", "previous")));
    }

    [Fact]
    public void A_copy_of_a_dump_that_was_pruned_still_becomes_the_newest_one()
    {
        WriteRandom(_bed, "n1", "db", 5);
        _bed.TakeOver("n1", 1);
        _bed.Dump("n1", 1);
        Overwrite(Path.Combine(_bed.Live("n1"), "db"), 1_000_000, [1, 2, 3]);
        var followed = _bed.Dump("n1", 1);
        _bed.Follow("n2");
        for (var i = 0; i < 2; i++)
        {
            Overwrite(Path.Combine(_bed.Live("n1"), "db"), 1_000_000, [7, 8, (byte)i]);
            _bed.Dump("n1", 1);
        }

        var archive = new ServiceArchive(_bed.Shared, TestBed.Service) { PruneGrace = TimeSpan.Zero, Patience = TimeSpan.FromMinutes(1) };
        for (var i = 0; i < 2; i++)
        {
            archive.Prune(new RetentionPolicy(1, 0, 0, 0, 0, 0), 1, CancellationToken.None);
        }

        Assert.False(File.Exists(_bed.PackOf(followed.Content)));
        var started = Stopwatch.GetTimestamp();
        using (var content = LocalContent.Open(archive, _bed.Live("n2"), "n2", CaptureMode.Auto))
        {
            content.Follow(0, null, CancellationToken.None);
        }

        // What is gone for good is not waited for.
        Assert.True(Stopwatch.GetElapsedTime(started) < archive.Patience);
        AssertSame(_bed.Live("n1"), _bed.Standby("n2"));
    }

    [Fact]
    public void Files_that_were_one_and_are_not_any_more_change_apart()
    {
        _bed.Write("n1", "a", "one");
        Assert.True(Durable.TryLink(Path.Combine(_bed.Live("n1"), "a"), Path.Combine(_bed.Live("n1"), "b")));
        Assert.True(Durable.TryLink(Path.Combine(_bed.Live("n1"), "a"), Path.Combine(_bed.Live("n1"), "c")));
        _bed.TakeOver("n1", 1);
        _bed.Dump("n1", 1);
        _bed.Follow("n2");
        File.Delete(Path.Combine(_bed.Live("n1"), "b"));
        _bed.Write("n1", "b", "two");
        File.Delete(Path.Combine(_bed.Live("n1"), "c"));
        _bed.Write("n1", "c/d", "three");
        _bed.Dump("n1", 1);
        _bed.Follow("n2");
        AssertSame(_bed.Live("n1"), _bed.Standby("n2"));
    }

    [SkippableFact]
    public void A_copy_for_which_the_disk_has_no_room_takes_none_and_is_not_tried_again_before_there_is_some()
    {
        Skip.IfNot(Processes.IsRoot, "only root can mount a disk of a certain size");
        var disk = Directory.CreateDirectory(_bed.Scratch("n2")).FullName;
        Programs.Run("mount", "-t", "tmpfs", "-o", $"size={Size * 3 / 2}", "none", disk);
        try
        {
            WriteRandom(_bed, "n2", "db", 7);
            _bed.Write("n2", "page", "first");
            _bed.TakeOver("n2", 1);
            _bed.Dump("n2", 1);
            _bed.TakeOver("n1", 2);
            _bed.Write("n1", "page", "second");
            _bed.Dump("n1", 2);
            var free = new DriveInfo(disk).AvailableFreeSpace;
            using (var content = _bed.Open("n2"))
            {
                Assert.Throws<LocalContentException>(() => content.Follow(0, null, CancellationToken.None));
                AssertNoCopy(_bed, "n2");
                Assert.InRange(new DriveInfo(disk).AvailableFreeSpace, free - (1 << 20), free + (1 << 20));
                var again = Assert.Throws<LocalContentException>(() => content.Follow(0, null, CancellationToken.None));
                Assert.Contains("no room", again.Message, StringComparison.Ordinal);
                content.TakeOver(3, null, CancellationToken.None);
            }

            AssertSame(_bed.Live("n1"), _bed.Live("n2"));
        }
        finally
        {
            Programs.Run("umount", "-l", disk);
        }
    }

    [Fact]
    public void A_copy_whose_index_is_lost_becomes_the_content_all_the_same()
    {
        _bed.Write("n1", "page", "first");
        _bed.TakeOver("n1", 1);
        _bed.Dump("n1", 1);
        _bed.Follow("n2");
        File.Delete(Path.Combine(_bed.MarkerOf("n2"), "standby", "index"));

        Assert.Contains("standby copy", _bed.TakeOver("n2", 2).Explanation, StringComparison.Ordinal);

        AssertSame(_bed.Live("n1"), _bed.Live("n2"));
        AssertNoCopy(_bed, "n2");
    }

    [Fact]
    public void What_its_owner_may_not_write_is_followed_all_the_same()
    {
        _bed.Write("n1", "closed/page", "first");
        _bed.Write("n1", "closed/gone", "first");
        _bed.Write("n1", "closed/deep/page", "first");
        _bed.TakeOver("n1", 1);
        Close(true);
        _bed.Dump("n1", 1);
        _bed.Follow("n2");
        AssertSame(_bed.Live("n1"), _bed.Standby("n2"));
        Close(false);
        _bed.Write("n1", "closed/page", "second");
        _bed.Write("n1", "closed/deep/new", "second");
        File.Delete(Path.Combine(_bed.Live("n1"), "closed/gone"));
        Close(true);
        _bed.Dump("n1", 1);
        _bed.Follow("n2");
        AssertSame(_bed.Live("n1"), _bed.Standby("n2"));
        _bed.TakeOver("n2", 2);
        AssertSame(_bed.Live("n1"), _bed.Live("n2"));
        foreach (var node in (string[])["n1", "n2"])
        {
            File.SetUnixFileMode(Path.Combine(_bed.Live(node), "closed"), (UnixFileMode)0x1C0);
            File.SetUnixFileMode(Path.Combine(_bed.Live(node), "closed/deep"), (UnixFileMode)0x1C0);
        }

        void Close(bool closed)
        {
            FileAttribution.SetMode(Path.Combine(_bed.Live("n1"), "closed/page"), closed ? 0x124u : 0x1A4u);
            FileAttribution.SetMode(Path.Combine(_bed.Live("n1"), "closed/deep"), closed ? 0x16Du : 0x1EDu);
            FileAttribution.SetMode(Path.Combine(_bed.Live("n1"), "closed"), closed ? 0x16Du : 0x1EDu);
        }
    }

    [Fact]
    public void A_slot_that_somebody_told_of_is_waited_for_and_none_beyond_it_is_looked_for()
    {
        _bed.Write("n1", "page", "first");
        _bed.TakeOver("n1", 1);
        _bed.Dump("n1", 1);
        var archive = new ServiceArchive(_bed.Shared, TestBed.Service)
        {
            Log = new SlotLog(_bed.Archive.Layout, TestBed.Service) { Patience = TimeSpan.FromMilliseconds(200) },
        };
        using var content = LocalContent.Open(archive, _bed.Live("n2"), "n2", CaptureMode.Auto);
        content.Follow(2, null, CancellationToken.None);
        Assert.Throws<SharedStorageException>(() => content.Follow(3, null, CancellationToken.None));
        _bed.Write("n1", "page", "second");
        _bed.Dump("n1", 1);
        _bed.Write("n1", "page", "third");
        _bed.Dump("n1", 1);
        Assert.Equal(3, Assert.IsType<FollowResult.Followed>(content.Follow(3, null, CancellationToken.None)).Dump.Slot);
        Assert.Equal(4, Assert.IsType<FollowResult.Followed>(content.Follow(0, null, CancellationToken.None)).Dump.Slot);
    }

    public void Dispose() => _bed.Dispose();
}
