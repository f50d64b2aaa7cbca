using System.Globalization;
using ClusterFs.Archive.Log;
using ClusterFs.Posix;

namespace ClusterFs.Archive.Tests.Restore;

/// <summary>A large file of which an older copy is here, where that is not changed in place: it is copied past the cache, and changed on the way.</summary>
public sealed class StaleCopyTests
{
    private const int Mebibyte = 1 << 20;

    /// <summary>The parts of the file that are not holes: each one's first MiB, and how many.</summary>
    private static readonly (int Start, int Length)[] Data = [(0, 9), (20, 9), (37, 1)];

    /// <param name="cached">Whether the kernel has the copy at hand.</param>
    /// <param name="touched">Whether the copy is not what is known of it.</param>
    [SkippableTheory]
    [InlineData(true, false)]
    [InlineData(false, false)]
    [InlineData(true, true)]
    [InlineData(false, true)]
    public void It_becomes_the_dump_with_the_holes(bool cached, bool touched)
    {
        using var disk = new Ext4Disk();
        Skip.If(disk.Missing is not null, disk.Missing);
        using var bed = new TestBed(disk.MountPoint);
        var (old, next) = WriteTwoDumps(bed, 40);
        Restore(bed, old);
        foreach (var (dump, state) in (Dump[])[next, old, next])
        {
            if (touched)
            {
                Overwrite(bed, "n3", 21 * Mebibyte);
                Overwrite(bed, "n3", 12 * Mebibyte);
            }

            if (!cached)
            {
                Forget(FileOf(bed, "n3"));
            }

            bed.On("n3", content => content.RestoreOver(dump, null, CancellationToken.None), limitsOf: TestBed.NeverInPlace);

            AssertIsNotCached(bed);
            Assert.Equal(state, TestBed.Describe(bed.Live("n3")));
            Assert.InRange(AllocatedBytes(FileOf(bed, "n3")), 1, (Data.Sum(part => part.Length) + 2) * Mebibyte);
        }
    }

    [SkippableTheory]
    [InlineData(true)]
    [InlineData(false)]
    public void One_that_differs_in_its_mode_alone_is_copied_with_its_holes(bool cached)
    {
        using var disk = new Ext4Disk();
        Skip.If(disk.Missing is not null, disk.Missing);
        using var bed = new TestBed(disk.MountPoint);
        var (_, next) = WriteTwoDumps(bed, 40);
        Restore(bed, next);
        FileAttribution.SetMode(FileOf(bed, "n3"), 0x1ED);
        if (!cached)
        {
            Forget(FileOf(bed, "n3"));
        }

        bed.On("n3", content => content.RestoreOver(next.Record, null, CancellationToken.None), limitsOf: TestBed.NeverInPlace);

        AssertIsNotCached(bed);
        Assert.Equal(next.State, TestBed.Describe(bed.Live("n3")));
        Assert.InRange(AllocatedBytes(FileOf(bed, "n3")), 1, (Data.Sum(part => part.Length) + 2) * Mebibyte);
    }

    [SkippableFact]
    public void A_disk_that_is_full_leaves_the_old_content_whole()
    {
        using var disk = new Ext4Disk();
        Skip.If(disk.Missing is not null, disk.Missing);
        using var bed = new TestBed(disk.MountPoint);
        var (old, next) = WriteTwoDumps(bed, 40);
        Restore(bed, old);
        var filler = bed.Scratch("filler");

        // Of what is free, ext4 keeps 16 MiB for itself, and the file needs 19 MiB.
        var free = new DriveInfo(disk.MountPoint).TotalFreeSpace;
        Programs.Run("fallocate", "-l", $"{free - (26 * Mebibyte)}", filler);

        Assert.Throws<LocalContentException>(() => bed.On("n3", content => content.RestoreOver(next.Record, null, CancellationToken.None), limitsOf: TestBed.NeverInPlace));

        Assert.Equal(old.State, TestBed.Describe(bed.Live("n3")));
        File.Delete(filler);
        Restore(bed, next);
    }

    [SkippableFact]
    public void What_was_restored_is_on_the_disk()
    {
        using var disk = new Ext4Disk();
        Skip.If(disk.Missing is not null, disk.Missing);
        using var bed = new TestBed(disk.MountPoint);
        var (old, next) = WriteTwoDumps(bed, 40);
        Restore(bed, old);
        Restore(bed, next);

        disk.CutPower();

        Assert.Equal(next.State, TestBed.Describe(bed.Live("n3")));
    }

    /// <summary>What is written past the cache is not in it, wherever it was read.</summary>
    private static void AssertIsNotCached(TestBed bed)
    {
        using var file = File.OpenHandle(FileOf(bed, "n3"));
        foreach (var (start, length) in Data)
        {
            Assert.False(PageCache.HasMostOf(file, start * Mebibyte, length * Mebibyte));
        }
    }

    private static string FileOf(TestBed bed, string node) => Path.Combine(bed.Live(node), "db");

    private static void Restore(TestBed bed, Dump dump)
    {
        bed.On("n3", content => content.RestoreOver(dump.Record, null, CancellationToken.None), limitsOf: TestBed.NeverInPlace);
        Assert.Equal(dump.State, TestBed.Describe(bed.Live("n3")));
    }

    /// <param name="size">Of the file, in MiB; the second is longer, and its last page is not whole.</param>
    private static (Dump Old, Dump Next) WriteTwoDumps(TestBed bed, int size)
    {
        Directory.CreateDirectory(bed.Live("n1"));
        var random = new Random(size);
        using (var file = File.Create(FileOf(bed, "n1")))
        {
            file.SetLength(size * Mebibyte);
            foreach (var (start, length) in Data)
            {
                var bytes = new byte[length * Mebibyte];
                random.NextBytes(bytes);
                file.Position = start * Mebibyte;
                file.Write(bytes);
            }
        }

        bed.TakeOver("n1", 1);
        var old = new Dump(bed.Dump("n1", 1), TestBed.Describe(bed.Live("n1")));
        Overwrite(bed, "n1", Mebibyte + 5000);
        Overwrite(bed, "n1", 28 * Mebibyte);
        Overwrite(bed, "n1", size * Mebibyte);
        return (old, new Dump(bed.Dump("n1", 1), TestBed.Describe(bed.Live("n1"))));
    }

    private static void Overwrite(TestBed bed, string node, long offset)
    {
        using var file = new FileStream(FileOf(bed, node), FileMode.Open);
        file.Position = offset;
        file.Write("changed"u8);
    }

    private static void Forget(string path)
    {
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite);
        RandomAccess.FlushToDisk(file);
        FileAttribution.ForgetCached(file);
        Assert.False(PageCache.HasMostOf(file, 0, Mebibyte));
    }

    private static long AllocatedBytes(string path) => 512 * long.Parse(Programs.Run("stat", "-c", "%b", path), CultureInfo.InvariantCulture);

    private sealed record Dump(DumpRecord Record, string State);
}
