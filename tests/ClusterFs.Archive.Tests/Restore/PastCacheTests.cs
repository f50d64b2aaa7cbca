namespace ClusterFs.Archive.Tests.Restore;

/// <summary>Large files are restored past the kernel's cache, in whole pages, and end where they ended.</summary>
public sealed class PastCacheTests
{
    private const int Large = 8 << 20;

    /// <param name="parent">Where all lies; where temporary files go, or a file system that may not be able to do without its cache.</param>
    [SkippableTheory]
    [InlineData(null)]
    [InlineData("/dev/shm")]
    public void Large_files_are_restored_as_they_were(string? parent)
    {
        Skip.If(parent is not null && !Directory.Exists(parent), $"there is no {parent}");
        using var bed = new TestBed(parent);
        bed.Write("n1", "small", "small");
        foreach (var more in (int[])[0, 1, 4095, 4096, (1 << 20) + 5])
        {
            Write(bed, $"whole+{more}", Large + more, 0, Large + more);
        }

        Write(bed, "holes before and after", Large + 7, 1 << 20, Large - (2 << 20));
        Write(bed, "hole at the end", Large + (3 << 20) + 7, 0, Large);
        bed.TakeOver("n1", 1);
        var dump = bed.Dump("n1", 1);

        var restored = bed.Restored(dump);

        Assert.Equal(TestBed.Describe(bed.Live("n1")), TestBed.Describe(restored));
    }

    /// <summary>A file of a size, all of it a hole but for a part of random bytes.</summary>
    private static void Write(TestBed bed, string name, int size, int from, int length)
    {
        using var file = File.Create(Path.Combine(bed.Live("n1"), name));
        var bytes = new byte[length];
        new Random(size).NextBytes(bytes);
        file.SetLength(size);
        file.Position = from;
        file.Write(bytes);
    }
}
