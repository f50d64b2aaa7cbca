using ClusterFs.Archive.Capture;
using ClusterFs.Archive.Lineage;
using ClusterFs.Archive.Rehearsal;
using ClusterFs.Posix;
using static ClusterFs.Archive.Tests.Capture.KeptBed;

namespace ClusterFs.Archive.Tests.Capture;

/// <summary>What is kept for the next dump is in nobody's way.</summary>
public sealed class KeptRoomTests(BtrfsDisk btrfs, XfsDisk xfs) : KeptDisks(btrfs, xfs)
{
    [SkippableFact]
    public void Nothing_is_held_or_kept_unless_all_of_it_could_be_written_over()
    {
        var mode = CaptureMode.Copy;
        var bed = NewBed("xfs");
        Fill(bed, "large", 1);
        using (FillDisk("xfs", LargeSize / 4))
        {
            Assert.Empty(Dump(bed, mode));
            Assert.Empty(Directory.EnumerateFileSystemEntries(Kept(bed)));
        }

        Write(bed, "large", 0, Page, 2);
        Assert.Equal([("large", 0L)], Dump(bed, mode));
        _ = Clone(bed);
        new FileSystemClock(bed.Root).WaitUntilSettled(CancellationToken.None);
        using var content = Open(bed, new CaptureSettings(mode));
        _ = content.Dump(1, CancellationToken.None);
        Assert.IsType<DumpResult.Unchanged>(content.Dump(1, CancellationToken.None));
        _ = Clone(bed);

        // Of a service that nobody writes to, too.
        using (FillDisk("xfs", LargeSize / 4))
        {
            Assert.IsType<DumpResult.Unchanged>(content.Dump(1, CancellationToken.None));
            Assert.Empty(Directory.EnumerateFileSystemEntries(Kept(bed)));
        }
    }

    [SkippableFact]
    public async Task What_is_being_read_is_given_up_when_others_fill_the_disk()
    {
        var bed = NewBed("xfs");
        Fill(bed, "large", 1);
        var room = new DiskRoom(900 << 20, 1000 << 20);
        Directory.CreateDirectory(Kept(bed));
        var kept = new KeptFiles(Kept(bed)) { RoomOf = _ => Volatile.Read(ref room) };
        using var keeping = new FileKeeping(kept, null, 1 << 20);
        using var file = UnlockedFile.OpenRead(Path.Combine(bed.Live("n1"), "large"));
        using var held = keeping.Hold("large", file);
        Assert.NotNull(held);
        keeping.RequireHeld();

        Volatile.Write(ref room, new DiskRoom(10 << 20, 1000 << 20));
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        while (Directory.EnumerateFileSystemEntries(Kept(bed)).Any())
        {
            await Task.Delay(10, patience.Token);
        }

        Assert.Equal(0, RandomAccess.GetLength(held.File));
        Assert.Throws<LocalContentException>(keeping.RequireHeld);
        Assert.Null(keeping.Hold("large", file));
        Assert.Equal(LargeSize, RandomAccess.GetLength(file));
    }

    [SkippableFact]
    public void A_snapshot_is_of_no_longer_than_its_dump_and_a_dump_that_is_cancelled_says_so()
    {
        var bed = NewBed("btrfs");
        Fill(bed, "large", 1);
        using var stop = new CancellationTokenSource();
        using var content = Open(bed, new CaptureSettings(CaptureMode.Snapshot), point =>
        {
            if (point == "prepared")
            {
                Assert.Single(Directory.EnumerateDirectories(Path.Combine(bed.MarkerOf("n1"), "scratch")));
                stop.Cancel();
            }
        });
        Assert.ThrowsAny<OperationCanceledException>(() => content.Dump(1, stop.Token));
        Assert.Empty(Directory.EnumerateDirectories(bed.MarkerOf("n1"), "snapshot.*", SearchOption.AllDirectories));
    }

    [SkippableFact]
    public void A_snapshot_that_somebody_else_deleted_hides_no_failure()
    {
        var bed = NewBed("btrfs");
        Fill(bed, "large", 1);
        using var content = Open(bed, new CaptureSettings(CaptureMode.Snapshot), point =>
        {
            if (point == "prepared")
            {
                Btrfs.Delete(Directory.EnumerateDirectories(Path.Combine(bed.MarkerOf("n1"), "scratch")).Single());
                throw new TimeoutException();
            }
        });
        Assert.Throws<TimeoutException>(() => content.Dump(1, CancellationToken.None));
    }

    [Fact]
    public void What_is_kept_can_be_deleted_by_hand_at_any_time()
    {
        var bed = NewBed("plain");
        Fill(bed, "large", 1);
        using var content = Open(bed, new CaptureSettings(CaptureMode.Copy));
        Assert.IsType<DumpResult.Committed>(content.Dump(1, CancellationToken.None));
        Directory.Delete(Kept(bed), recursive: true);
        bed.Write("n1", "page", "new");
        Assert.IsType<DumpResult.Committed>(content.Dump(1, CancellationToken.None));
        Directory.Delete(Kept(bed), recursive: true);
        Assert.IsType<TakeOverResult.Ready>(content.TakeOver(2, null, CancellationToken.None));
    }

    [SkippableFact]
    public void A_file_that_btrfs_writes_over_in_place_is_kept_like_others()
    {
        var bed = NewBed("btrfs");
        var file = Path.Combine(bed.Live("n1"), "large");
        File.WriteAllBytes(file, []);
        Programs.Run("chattr", "+C", file);
        Fill(bed, "large", 1);
        Fill(bed, "other", 2);
        Assert.Equal([("large", 0L), ("other", 0L)], Dump(bed, CaptureMode.Copy));
        Write(bed, "large", Page, Page, 3);
        Write(bed, "other", 0, Page, 4);
        Assert.Equal([("large", LargeSize - Page), ("other", LargeSize - Page)], Dump(bed, CaptureMode.Copy));
    }

    [SkippableFact]
    public void Without_blocks_kept_nothing_is_held_and_what_was_kept_goes()
    {
        var bed = NewBed("xfs");
        Fill(bed, "large", 1);
        _ = Dump(bed, CaptureMode.Copy);
        _ = Clone(bed);
        Write(bed, "large", 0, Page, 2);
        var looked = 0;
        using var content = LocalContent.Open(
            bed.Archive, bed.Live("n1"), "n1", new CaptureSettings(CaptureMode.Copy), _ => { }, keptFrom: 1 << 20, takenOver: (_, _) => looked++);
        Assert.Empty(Directory.EnumerateFileSystemEntries(Kept(bed)));
        Assert.IsType<DumpResult.Committed>(content.Dump(1, CancellationToken.None));
        Assert.Empty(Directory.EnumerateFileSystemEntries(Kept(bed)));
        Assert.Equal(0, looked);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_file_is_read_once_more_while_the_write_that_stamped_it_may_go_on(bool mayGoOn)
    {
        var bed = NewBed("plain");
        bed.Write("n1", "page", "half");
        new FileSystemClock(bed.Root).WaitUntilSettled(CancellationToken.None);
        var prepared = 0;
        using var content = LocalContent.Open(
            bed.Archive,
            bed.Live("n1"),
            "n1",
            new CaptureSettings(CaptureMode.Copy) { LongestWrite = mayGoOn ? TimeSpan.FromHours(1) : TimeSpan.Zero },
            point => prepared += point == "prepared" ? 1 : 0);
        Assert.IsType<DumpResult.Committed>(content.Dump(1, CancellationToken.None));
        Assert.IsType<DumpResult.Unchanged>(content.Dump(1, CancellationToken.None));
        Assert.Equal(mayGoOn ? 2 : 1, prepared);

        // Of a service that has ended, nobody writes.
        Assert.IsType<DumpResult.Unchanged>(content.Dump(1, CancellationToken.None, ended: true));
        prepared = 0;
        Assert.IsType<DumpResult.Unchanged>(content.Dump(1, CancellationToken.None));
        Assert.Equal(0, prepared);
    }

    /// <summary>Leaves so many bytes free beyond what has to stay so.</summary>
    private Filling FillDisk(string disk, long left)
    {
        var file = Path.Combine(Require(disk).MountPoint, "filling");
        for (var size = 0L; ;)
        {
            Programs.Run("sync", "-f", Require(disk).MountPoint);
            var room = DiskRoom.Of(Require(disk).MountPoint);
            if (room.Free - room.Reserve <= left)
            {
                return new Filling(file);
            }

            size += room.Free - room.Reserve - left;
            using (File.Create(file))
            {
            }

            Programs.Run("fallocate", "-l", $"{size}", file);
        }
    }

    private sealed class Filling(string file) : IDisposable
    {
        public void Dispose()
        {
            File.Delete(file);
            Programs.Run("sync", "-f", Path.GetDirectoryName(file)!);
        }
    }
}
