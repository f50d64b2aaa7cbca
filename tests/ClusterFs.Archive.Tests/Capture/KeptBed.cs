using ClusterFs.Archive.Capture;
using ClusterFs.Archive.Lineage;
using ClusterFs.Archive.Log;
using Microsoft.Data.Sqlite;

namespace ClusterFs.Archive.Tests.Capture;

/// <summary>Large files of n1, and dumps that keep them for the next dump.</summary>
internal static class KeptBed
{
    public const int Page = 4096;
    public const int LargeSize = 4 << 20;

    public static string Kept(TestBed bed) => Path.Combine(bed.MarkerOf("n1"), "kept");

    public static string Record(TestBed bed) => Path.Combine(Kept(bed), "kept.json");

    public static string Clone(TestBed bed) => Directory.EnumerateFiles(Kept(bed), "clone.*").Single();

    public static void Fill(TestBed bed, string name, int seed) => Write(bed, name, 0, LargeSize, seed);

    public static void Write(TestBed bed, string name, long offset, int length, int seed)
    {
        var bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        using var file = File.OpenHandle(Path.Combine(bed.Live("n1"), name), FileMode.OpenOrCreate, FileAccess.Write);
        RandomAccess.Write(file, bytes, offset);
    }

    public static void Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    /// <summary>Dumps, as a process that was just started, and restores: that is the content.</summary>
    /// <returns>The large files that were looked into, and how many of their bytes were not read.</returns>
    public static List<(string Path, long Bytes)> Dump(TestBed bed, CaptureMode mode)
    {
        var takenOver = DumpOnly(bed, mode, out var dump);
        if (dump is not null)
        {
            var restored = bed.Restored(dump);
            Assert.Equal(TestBed.Describe(bed.Live("n1"), onlyContent: true), TestBed.Describe(restored, onlyContent: true));
            Directory.Delete(restored, recursive: true);
        }

        return takenOver;
    }

    public static List<(string Path, long Bytes)> DumpOnly(TestBed bed, CaptureMode mode, out DumpRecord? dump) =>
        DumpOnly(bed, new CaptureSettings(mode), out dump);

    public static List<(string Path, long Bytes)> DumpOnly(TestBed bed, CaptureSettings settings, out DumpRecord? dump)
    {
        var takenOver = new List<(string Path, long Bytes)>();
        using var content = Open(bed, settings, takenOver: (path, bytes) => takenOver.Add((path, bytes)));
        dump = (content.Dump(content.Epoch!.Value, CancellationToken.None) as DumpResult.Committed)?.Record;
        return takenOver;
    }

    /// <summary>Files of more than 1 MiB are kept, and nobody is taken to be in the middle of a write.</summary>
    public static LocalContent Open(TestBed bed, CaptureSettings settings, Action<string>? atPoint = null, Action<string, long>? takenOver = null) =>
        LocalContent.Open(
            bed.Archive,
            bed.Live("n1"),
            "n1",
            settings with { KeepsBlocks = true, LongestWrite = TimeSpan.Zero },
            atPoint ?? (_ => { }),
            keptFrom: 1 << 20,
            takenOver: takenOver);
}
