using System.Diagnostics;
using System.Globalization;
using ClusterFs.Archive;
using ClusterFs.Archive.Capture;
using ClusterFs.Archive.Lineage;

namespace ClusterFs.Benchmarks;

/// <summary>
/// What it costs to dump 10 MiB that changed, in single pages all over one large file, on file systems that tell where the file lies and, for
/// comparison, where the archive does. The file systems are made in files.
/// </summary>
/// <param name="names">Of file systems.</param>
internal sealed class ChangedBench(string scratch, int mebibytes, IReadOnlySet<string> names)
{
    private const int Page = 4096;
    private const int Changed = 10 << 20;
    private const int Dumps = 3;
    private const string Own = "own";

    private static readonly (string Name, string[] Make)[] FileSystems =
    [
        ("XFS", ["mkfs.xfs", "-q", "-m", "reflink=1"]),
        ("btrfs", ["mkfs.btrfs", "-q", "-m", "single"]),
    ];

    private readonly Random _random = new(1);

    /// <summary>The names of all, and of the one that the benchmark lies on.</summary>
    public static IEnumerable<string> All => FileSystems.Select(one => one.Name).Append(Own);

    private long Size => (long)mebibytes << 20;

    public int Run()
    {
        Console.WriteLine($"{mebibytes} MiB, {Changed >> 20} MiB of it changed before each dump");
        Console.WriteLine($"{"file system",-14}{"step",-22}{"time s",9}{"MiB read",11}{"of them from disk",19}");
        foreach (var (name, make) in FileSystems.Where(one => names.Contains(one.Name)))
        {
            var disk = Directory.CreateDirectory(Path.Combine(scratch, name)).FullName;
            var image = Path.Combine(scratch, $"{name}.image");
            Do("truncate", "-s", $"{(mebibytes * 2) + 4096}M", image);
            Do(make[0], [.. make[1..], image]);
            Do("mount", "-o", "loop", image, disk);
            try
            {
                Run(name, disk);
            }
            finally
            {
                Do("umount", disk);
                File.Delete(image);
            }
        }

        if (names.Contains(Own))
        {
            Run("where it lies", Directory.CreateDirectory(Path.Combine(scratch, Own)).FullName);
        }

        return 0;
    }

    private static void Do(string file, params string[] arguments)
    {
        using var process = Process.Start(file, arguments);
        process.WaitForExit();
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"{file} {string.Join(' ', arguments)} failed. Only root can make and mount file systems.");
        }
    }

    /// <summary>Bytes that this process asked for, and bytes that came from a disk for it.</summary>
    private static (long Asked, long Disk) ReadSoFar()
    {
        var lines = File.ReadAllLines("/proc/self/io").Select(line => line.Split(": ")).ToDictionary(parts => parts[0], parts => long.Parse(parts[1], CultureInfo.InvariantCulture));
        return (lines["rchar"], lines["read_bytes"]);
    }

    private void Run(string name, string disk)
    {
        var shared = Path.Combine(scratch, $"{name}.shared");
        ServiceArchive.Initialize(shared);
        var archive = new ServiceArchive(shared, "changed");
        var live = Directory.CreateDirectory(Path.Combine(disk, "live")).FullName;
        var file = Path.Combine(live, "database");
        Fill(file);
        On(archive, live, content => content.TakeOver(1, null, CancellationToken.None));
        Say(name, "first dump", () => On(archive, live, Dump));
        for (var i = 1; i <= Dumps; i++)
        {
            Change(file);
            Do("sync");
            Say(name, $"10 MiB changed, {i}", () => On(archive, live, Dump));
        }

        Directory.Delete(shared, recursive: true);
        File.Delete(file);
    }

    private static void Dump(LocalContent content) => content.Dump(1, CancellationToken.None);

    private static void Say(string name, string step, Action action)
    {
        var before = ReadSoFar();
        var started = Stopwatch.GetTimestamp();
        action();
        var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        var after = ReadSoFar();
        Console.WriteLine(FormattableString.Invariant(
            $"{name,-14}{step,-22}{seconds,9:F2}{(after.Asked - before.Asked) / 1048576.0,11:F1}{(after.Disk - before.Disk) / 1048576.0,19:F1}"));
    }

    private static void On(ServiceArchive archive, string live, Action<LocalContent> action)
    {
        using var content = LocalContent.Open(archive, live, "n1", new CaptureSettings(CaptureMode.Auto) { KeepsBlocks = true });
        action(content);
    }

    /// <summary>Pages that differ and compress well: the first dump is not what is measured.</summary>
    private void Fill(string file)
    {
        using var stream = new FileStream(file, FileMode.CreateNew);
        var bytes = new byte[1 << 20];
        for (var done = 0L; done < Size; done += bytes.Length)
        {
            for (var page = 0; page < bytes.Length; page += Page)
            {
                _random.NextBytes(bytes.AsSpan(page, 64));
            }

            stream.Write(bytes);
        }
    }

    private void Change(string file)
    {
        using var handle = File.OpenHandle(file, FileMode.Open, FileAccess.Write);
        var bytes = new byte[Page];
        for (var done = 0; done < Changed; done += Page)
        {
            _random.NextBytes(bytes);
            RandomAccess.Write(handle, bytes, _random.NextInt64(Size / Page) * Page);
        }
    }
}
