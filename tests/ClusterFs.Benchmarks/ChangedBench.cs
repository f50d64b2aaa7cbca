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
internal sealed class ChangedBench(string scratch, int measuredMebibytes, IReadOnlySet<string> names)
{
    /// <summary>Where the benchmark lies.</summary>
    public const string Own = "own";

    private const int Page = 4096;
    private const int Changed = 10 << 20;
    private const int Dumps = 3;
    private const int CompiledWith = 64;

    private readonly Random _random = new(1);

    /// <summary>The names of all, and of the one that the benchmark lies on.</summary>
    public static IEnumerable<string> All => MadeDisk.Names.Append(Own);

    public int Run()
    {
        Console.WriteLine($"{measuredMebibytes} MiB, {Changed >> 20} MiB of it changed before each dump");
        Console.WriteLine($"{"file system",-14}{"step",-22}{"time s",9}{"MiB read",11}{"of them from disk",19}");
        foreach (var name in MadeDisk.Names.Where(names.Contains))
        {
            using var disk = new MadeDisk(scratch, name, (measuredMebibytes * 2L) + 4096);
            Run(name, disk.Root);
        }

        if (names.Contains(Own))
        {
            Run("where it lies", Directory.CreateDirectory(Path.Combine(scratch, Own)).FullName);
        }

        return 0;
    }

    /// <summary>Bytes that this process asked for, and bytes that came from a disk for it.</summary>
    private static (long Asked, long Disk) ReadSoFar()
    {
        var lines = File.ReadAllLines("/proc/self/io").Select(line => line.Split(": ")).ToDictionary(parts => parts[0], parts => long.Parse(parts[1], CultureInfo.InvariantCulture));
        return (lines["rchar"], lines["read_bytes"]);
    }

    /// <summary>A daemon is compiled when it is installed; this program is while it runs, so once before it is measured.</summary>
    private void Run(string name, string disk)
    {
        Run(Path.Combine(disk, "compiling"), CompiledWith, (_, action) => action());
        Run(Path.Combine(disk, "live"), measuredMebibytes, (step, action) => Say(name, step, action));
    }

    /// <param name="mebibytes">The size of the file.</param>
    /// <param name="measured">Does a step, by its name.</param>
    private void Run(string live, int mebibytes, Action<string, Action> measured)
    {
        var size = (long)mebibytes << 20;
        var shared = Path.Combine(scratch, "shared");
        ServiceArchive.Initialize(shared);
        var archive = new ServiceArchive(shared, "changed");
        Directory.CreateDirectory(live);
        var file = Path.Combine(live, "database");
        Fill(file, size);
        On(archive, live, content => content.TakeOver(1, null, CancellationToken.None));
        measured("first dump", () => On(archive, live, Dump));
        for (var i = 1; i <= Dumps; i++)
        {
            Change(file, size);
            Sync();
            measured($"10 MiB changed, {i}", () => On(archive, live, Dump));
        }

        Directory.Delete(shared, recursive: true);
        File.Delete(file);
    }

    private static void Sync()
    {
        using var process = Process.Start("sync");
        process.WaitForExit();
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
    private void Fill(string file, long size)
    {
        using var stream = new FileStream(file, FileMode.CreateNew);
        var bytes = new byte[1 << 20];
        for (var done = 0L; done < size; done += bytes.Length)
        {
            for (var page = 0; page < bytes.Length; page += Page)
            {
                _random.NextBytes(bytes.AsSpan(page, 64));
            }

            stream.Write(bytes);
        }
    }

    private void Change(string file, long size)
    {
        using var handle = File.OpenHandle(file, FileMode.Open, FileAccess.Write);
        var bytes = new byte[Page];
        for (var done = 0; done < Changed; done += Page)
        {
            _random.NextBytes(bytes);
            RandomAccess.Write(handle, bytes, _random.NextInt64(size / Page) * Page);
        }
    }
}
