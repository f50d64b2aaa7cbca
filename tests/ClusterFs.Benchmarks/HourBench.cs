using System.Diagnostics;
using System.Globalization;
using ClusterFs.Archive;
using ClusterFs.Archive.Capture;
using ClusterFs.Archive.Lineage;

namespace ClusterFs.Benchmarks;

/// <summary>An hour of dumps every second, as fast as they go: what each costs at the beginning and at the end, and how many files are left.</summary>
internal sealed class HourBench(string scratch, int dumps)
{
    private const int DatabaseSize = 16 << 20;
    private const int PageSize = 4096;
    private const int Sampled = 300;
    private readonly Random _random = new(1);

    public int Run()
    {
        var shared = Path.Combine(scratch, "shared");
        var live = Path.Combine(scratch, "live");
        ServiceArchive.Initialize(shared);
        var archive = new ServiceArchive(shared, "hour");
        var beside = new ServiceArchive(shared, "hour");
        Directory.CreateDirectory(live);
        var database = Path.Combine(live, "database");
        var bytes = new byte[DatabaseSize];
        _random.NextBytes(bytes);
        File.WriteAllBytes(database, bytes);
        using var content = LocalContent.Open(archive, live, "n1", CaptureMode.Auto);
        _ = content.TakeOver(1, null, CancellationToken.None);
        var times = new List<double>();
        var most = 0;
        var compacting = Task.CompletedTask;
        for (var i = 0; i < dumps; i++)
        {
            Change(database, i);
            File.WriteAllText(Path.Combine(live, $"note{i % 50}"), i.ToString(CultureInfo.InvariantCulture));
            var started = Stopwatch.GetTimestamp();
            var slot = ((DumpResult.Committed)content.Dump(1, CancellationToken.None)).Record.Slot;
            times.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
            if (compacting.IsCompleted)
            {
                compacting.GetAwaiter().GetResult();
                compacting = Task.Run(() => beside.Compact(slot, CancellationToken.None));
            }

            most = i % 10 == 0 ? Math.Max(most, Files(archive.Root).Length) : most;
        }

        compacting.GetAwaiter().GetResult();
        var files = Files(archive.Root);
        var size = files.Sum(file => new FileInfo(file).Length) >> 20;
        Console.WriteLine(FormattableString.Invariant($"{dumps} dumps: {files.Length} files, {size} MiB; most files at a time: {most}"));
        Say("the first", times.Take(Sampled));
        Say("the last", times.TakeLast(Sampled));
        var listed = Stopwatch.GetTimestamp();
        var count = new ServiceArchive(shared, "hour").List(CancellationToken.None).Count;
        Console.WriteLine(FormattableString.Invariant($"listing {count} records: {Stopwatch.GetElapsedTime(listed).TotalMilliseconds:F0} ms"));
        return 0;
    }

    private static string[] Files(string root) => Directory.GetFiles(root, "*", SearchOption.AllDirectories);

    private static void Say(string which, IEnumerable<double> times)
    {
        var sorted = times.Order().ToList();
        var (median, most) = (sorted[sorted.Count / 2], sorted[sorted.Count * 99 / 100]);
        Console.WriteLine(FormattableString.Invariant(
            $"{which} {sorted.Count}: median {median:F1} ms, 99 of 100 below {most:F1} ms, mean {sorted.Average():F1} ms"));
    }

    /// <summary>Four pages, anywhere.</summary>
    private void Change(string database, int i)
    {
        using var file = File.OpenHandle(database, FileMode.Open, FileAccess.Write);
        for (var page = 0; page < 4; page++)
        {
            RandomAccess.Write(file, BitConverter.GetBytes(i), (long)_random.Next(DatabaseSize / PageSize) * PageSize);
        }
    }
}
