using ClusterFs.Posix;

namespace ClusterFs.Archive.Tests.Lineage;

/// <summary>What the tests of standby copies write and compare.</summary>
internal static class StandbyFiles
{
    private const int Size = 24 << 20;

    public static void AssertSame(string one, string other) =>
        Assert.Equal(Path.IsPathRooted(one) && Directory.Exists(one) ? TestBed.Describe(one) : one, TestBed.Describe(other));

    public static void AssertNoCopy(TestBed bed, string node) => Assert.Empty(
        Directory.EnumerateFileSystemEntries(Path.Combine(bed.Root, node, ".live.clusterfs", "standby")));

    public static ulong InodeOf(string path) => FileStatus.TryRead(path)!.Value.Inode;

    /// <summary>Other bytes of the same length, under the old time.</summary>
    public static void Forge(string file, string text)
    {
        var status = FileStatus.TryRead(file)!.Value;
        File.WriteAllText(file, text);
        Assert.Equal(status.Size, FileStatus.TryRead(file)!.Value.Size);
        FileAttribution.SetModified(file, status.ModifiedNs);
    }

    public static byte[] RandomBytes(int size, int seed)
    {
        var bytes = new byte[size];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    public static void WriteRandom(TestBed bed, string node, string name, int seed)
    {
        Directory.CreateDirectory(bed.Live(node));
        File.WriteAllBytes(Path.Combine(bed.Live(node), name), RandomBytes(Size, seed));
    }

    public static void Overwrite(string file, long offset, byte[] bytes)
    {
        using var stream = new FileStream(file, FileMode.Open);
        stream.Position = offset;
        stream.Write(bytes);
    }

    public static void Grow(string file, int by)
    {
        using var stream = new FileStream(file, FileMode.Append);
        stream.Write(RandomBytes(by, 77));
    }
}
