using System.Globalization;
using ClusterFs.Archive.Capture;
using ClusterFs.Archive.Lineage;
using ClusterFs.Posix;
using CsCheck;
using static ClusterFs.Archive.Tests.Capture.KeptBed;

namespace ClusterFs.Archive.Tests.Capture;

/// <summary>Dumps that find what has changed in large files by where they lie, on file systems that can tell.</summary>
public sealed class KeptFilesTests(BtrfsDisk btrfs, XfsDisk xfs) : KeptDisks(btrfs, xfs)
{
    private const string Changes = "write,pwrite64,rename,renameat,renameat2,link,linkat,unlink,fsync,syncfs,ftruncate,ioctl";

    public static TheoryData<string, CaptureMode> Ways => new()
    {
        { "xfs", CaptureMode.Auto },
        { "xfs", CaptureMode.Copy },
        { "btrfs", CaptureMode.Snapshot },
        { "btrfs", CaptureMode.Copy },
    };

    [SkippableTheory]
    [MemberData(nameof(Ways))]
    public void Only_what_changed_is_read_also_after_a_restart_and_under_another_name(string disk, CaptureMode mode)
    {
        var bed = NewBed(disk);
        Fill(bed, "large", 1);
        Assert.Equal([("large", 0)], Dump(bed, mode));

        Write(bed, "large", 100 * Page, Page, 2);
        Assert.Equal([("large", LargeSize - Page)], Dump(bed, mode));
        File.Move(Path.Combine(bed.Live("n1"), "large"), Path.Combine(bed.Live("n1"), "renamed"));
        Write(bed, "renamed", 200 * Page, 2 * Page, 3);
        Assert.Equal([("renamed", LargeSize - (2 * Page))], Dump(bed, mode));

        // It is taken over as a whole meanwhile, and what is kept of it stays.
        bed.Write("n1", "page", "new");
        _ = Dump(bed, mode);
        Write(bed, "renamed", 0, 1, 4);
        Assert.Equal([("renamed", LargeSize - Page)], Dump(bed, mode));
        Assert.Single(Directory.EnumerateDirectories(Kept(bed)).Concat(Directory.EnumerateFiles(Kept(bed), "clone.*")));
    }

    [SkippableTheory]
    [MemberData(nameof(Ways))]
    public void Any_history_is_dumped_as_it_is_read_the_slow_way(string disk, CaptureMode mode)
    {
        Require(disk);
        var takenOver = 0L;
        var steps = 0;
        TreeChange.Some.Array[2, 7].Sample(
            history =>
            {
                var bed = NewBed(disk);
                try
                {
                    Fill(bed, "large", 1);
                    Fill(bed, "large2", 2);
                    _ = Dump(bed, mode);
                    foreach (var changes in history)
                    {
                        foreach (var change in changes)
                        {
                            change.Apply(bed.Live("n1"));
                        }

                        takenOver += Dump(bed, mode).Sum(one => one.Bytes);
                        steps++;
                    }
                }
                finally
                {
                    Drop(bed);
                }
            },
            iter: 12,
            threads: 1);
        Assert.True(takenOver > steps * 100_000L, $"{takenOver} bytes were taken over unread in {steps} dumps");
    }

    /// <summary>Who deletes it would have to throw all of it out of memory first: 1.3 s for 10 GiB.</summary>
    [SkippableTheory]
    [MemberData(nameof(Ways))]
    public void What_was_read_of_it_does_not_stay_in_memory(string disk, CaptureMode mode)
    {
        Skip.IfNot(Programs.IsInstalled("fincore"), "fincore is not installed (Debian: apt-get install util-linux-extra)");
        var bed = NewBed(disk);
        Fill(bed, "large", 1);

        _ = Dump(bed, mode);

        var (code, cached) = Programs.Try("fincore", "--bytes", "--noheadings", "--output", "RES", Clone(bed));
        Assert.Equal(0, code);
        Assert.InRange(long.Parse(cached, CultureInfo.InvariantCulture), 0, LargeSize / 10);
    }

    [SkippableTheory]
    [InlineData("xfs")]
    [InlineData("btrfs")]
    public void Whatever_is_in_doubt_is_read(string disk)
    {
        var bed = NewBed(disk);
        Fill(bed, "large", 1);
        _ = Dump(bed, CaptureMode.Copy);
        Action[] doubts =
        [
            () => File.WriteAllText(Record(bed), "nothing of use"),
            () => File.Delete(Record(bed)),
            () => TestBed.FlipBit(Record(bed), 20),
            () => File.WriteAllBytes(
                Record(bed),
                SealedJson.Write(SealedJson.TryRead(Record(bed), KeptJson.Default.KeptRecord)! with { Boot = "an earlier one" }, KeptJson.Default.KeptRecord)),
            () => File.WriteAllBytes(
                Record(bed),
                SealedJson.Write(SealedJson.TryRead(Record(bed), KeptJson.Default.KeptRecord)! with { Dump = "another" }, KeptJson.Default.KeptRecord)),
            () => File.Delete(Clone(bed)),
            () => TestBed.FlipBit(Clone(bed), 5 * Page),
            () => File.SetLastWriteTimeUtc(Clone(bed), DateTime.UnixEpoch),
        ];
        for (var i = 0; i < doubts.Length; i++)
        {
            doubts[i]();
            Write(bed, "large", 5 * Page, Page, 10 + i);
            Assert.Equal([("large", 0)], Dump(bed, CaptureMode.Copy));
            Write(bed, "large", 6 * Page, Page, 20 + i);
            Assert.Equal([("large", LargeSize - Page)], Dump(bed, CaptureMode.Copy));
        }
    }

    [SkippableFact]
    public void Hashes_that_were_damaged_are_made_anew_though_their_pages_are_not_read()
    {
        var bed = NewBed("xfs");
        Fill(bed, "large", 1);
        _ = Dump(bed, CaptureMode.Copy);
        TestBed.FlipBit(Directory.EnumerateFiles(Path.Combine(bed.MarkerOf("n1"), "pages")).Single(), 16 * 500);
        Write(bed, "large", 5 * Page, Page, 2);

        // Were the hash taken over, the content's digest would be wrong, and no restore would get by it.
        Assert.Equal([("large", LargeSize - Page)], Dump(bed, CaptureMode.Copy));
    }

    [SkippableTheory]
    [InlineData("xfs", CaptureMode.Copy)]
    [InlineData("btrfs", CaptureMode.Snapshot)]
    public void Nothing_is_kept_that_the_service_might_need_the_room_of_nor_after_the_content_is_replaced(string disk, CaptureMode mode)
    {
        var bed = NewBed(disk);
        Fill(bed, "large", 1);
        _ = Dump(bed, mode);
        Assert.NotEmpty(Directory.EnumerateFileSystemEntries(Kept(bed)));
        using (var file = File.OpenHandle(Path.Combine(bed.Live("n1"), "large"), FileMode.Open, FileAccess.Write))
        {
            RandomAccess.SetLength(file, 2L << 30);
        }

        Assert.Empty(DumpOnly(bed, mode, out _));
        Assert.Empty(Directory.EnumerateFileSystemEntries(Kept(bed)));

        using (var file = File.OpenHandle(Path.Combine(bed.Live("n1"), "large"), FileMode.Open, FileAccess.Write))
        {
            RandomAccess.SetLength(file, LargeSize);
        }

        _ = Dump(bed, mode);
        Assert.NotEmpty(Directory.EnumerateFileSystemEntries(Kept(bed)));
        bed.TakeOver("n2", 2);
        bed.Write("n2", "page", "newer");
        bed.Dump("n2", 2);
        using (var content = Open(bed, new CaptureSettings(mode)))
        {
            Assert.NotEmpty(Directory.EnumerateFileSystemEntries(Kept(bed)));
            Assert.IsType<TakeOverResult.Ready>(content.TakeOver(3, null, CancellationToken.None));
        }

        Assert.Empty(Directory.EnumerateFileSystemEntries(Kept(bed)));
    }

    [SkippableFact]
    public void A_file_whose_places_say_nothing_of_its_bytes_is_read()
    {
        Skip.IfNot(Programs.IsInstalled("xfs_io"), "xfs_io is not installed (Debian: apt-get install xfsprogs)");
        var bed = NewBed("btrfs");
        var file = Path.Combine(bed.Live("n1"), "large");
        File.WriteAllBytes(file, []);
        Programs.Run("chattr", "+c", file);
        var bytes = new byte[LargeSize];
        for (var page = 0; page < LargeSize / Page; page++)
        {
            bytes.AsSpan(page * Page, 64).Fill((byte)(page + 1));
        }

        using (var written = File.OpenHandle(file, FileMode.Open, FileAccess.Write))
        {
            RandomAccess.Write(written, bytes, 0);
            RandomAccess.FlushToDisk(written);
        }

        _ = Dump(bed, CaptureMode.Copy);

        // Within one compressed block every page is said to lie where the block begins.
        Programs.Run("xfs_io", "-c", $"reflink {file} {Page} 0 {Page}", file);
        Assert.Equal([("large", 0L)], Dump(bed, CaptureMode.Copy));
    }

    [SkippableFact]
    public void A_file_in_too_many_pieces_is_read_and_not_broken_up_further()
    {
        var bed = NewBed("xfs");
        Fill(bed, "large", 1);
        Assert.Equal([("large", 0L)], Dump(bed, CaptureMode.Copy));
        using (var file = File.OpenHandle(Path.Combine(bed.Live("n1"), "large"), FileMode.Open, FileAccess.Write))
        {
            for (var page = 0; page < 12000; page++)
            {
                RandomAccess.Write(file, [1], 2L * page * Page);
            }

            RandomAccess.FlushToDisk(file);
        }

        using (var file = File.OpenHandle(Path.Combine(bed.Live("n1"), "large")))
        {
            Skip.If(FileExtents.Count(file) < 8400, "this file system does not break the file up");
        }

        Assert.Empty(Dump(bed, CaptureMode.Copy));
        Assert.Empty(Directory.EnumerateFileSystemEntries(Kept(bed)));
    }

    [SkippableFact]
    public void Hooks_let_the_service_stand_still_and_what_is_unchanged_stays_so()
    {
        var bed = NewBed("xfs");
        Fill(bed, "large", 1);
        var hooks = new CaptureSettings(CaptureMode.Hooks) { Hooks = new CaptureHooks("true", "true", TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(30)) };
        Assert.Equal([("large", 0L)], DumpOnly(bed, hooks, out _));
        new FileSystemClock(bed.Root).WaitUntilSettled(CancellationToken.None);
        _ = DumpOnly(bed, hooks, out _);

        Assert.Empty(DumpOnly(bed, hooks, out var none));
        Assert.Null(none);
        Write(bed, "large", Page, Page, 2);
        Assert.Equal([("large", LargeSize - Page)], DumpOnly(bed, hooks, out _));
    }

    [SkippableTheory]
    [InlineData("xfs")]
    [InlineData("btrfs")]
    public void A_dump_that_is_killed_anywhere_leaves_nothing_that_misleads_the_next(string disk)
    {
        Skip.IfNot(Programs.IsInstalled("strace"), "strace, which kills the process at a system call, is not installed (Debian: apt-get install strace)");
        var bed = NewBed(disk);
        Fill(bed, "large", 1);
        _ = Dump(bed, CaptureMode.Auto);
        var (ended, kills, takenOver) = (false, 0, 0L);
        for (var n = 1; !ended && n < 400; n += 1 + (n / 8))
        {
            Write(bed, "large", n % 1000 * Page, Page, n);
            using (var child = Child.KilledAt(Changes, n, "dump-kept", bed.Shared, bed.Live("n1")))
            {
                var code = child.Wait();
                Assert.Contains(code, (int[])[0, 137]);
                ended = code == 0;
                kills += code == 137 ? 1 : 0;
            }

            Write(bed, "large", (n + 7) % 1000 * Page, 1, n);
            takenOver += Dump(bed, CaptureMode.Auto).Sum(one => one.Bytes);
            Assert.Equal(2, Directory.EnumerateFileSystemEntries(Kept(bed)).Count());
            Assert.True(File.Exists(Record(bed)));
        }

        Assert.True(ended && kills > 5 && takenOver > kills * (long)LargeSize / 2, $"{kills} kills, {takenOver} bytes taken over, ended: {ended}");
    }
}
