using System.Diagnostics;
using System.Globalization;

namespace ClusterFs.Benchmarks;

/// <summary>The same content and the same changes through every tool that is installed, one after the other, and one table of medians.</summary>
/// <param name="contents">Names of workloads.</param>
/// <param name="names">Of tools.</param>
/// <param name="rounds">How often each tool takes its turn.</param>
internal sealed class ArchiveBench(string scratch, int size, IReadOnlySet<string> contents, IReadOnlySet<string> names, int rounds)
{
    private static readonly string[] Steps = ["first dump", "+1 %", "unchanged", "restore", "restore over +1 %"];

    private readonly Dictionary<(string Workload, string Tool, string Step), List<(Measured Cost, long Stored)>> _results = [];

    /// <param name="disks">Names of file systems, of which each has content, copies and archives in turn.</param>
    public static int Run(
        string scratch, int size, IReadOnlySet<string> contents, IReadOnlySet<string> names, IReadOnlySet<string> disks, int rounds)
    {
        foreach (var name in MadeDisk.Names.Where(disks.Contains))
        {
            Console.WriteLine($"on {name}");
            using var disk = new MadeDisk(scratch, name, (size * 10L) + 4096);
            if (new ArchiveBench(disk.Root, size, contents, names, rounds).Run() is > 0 and var failed)
            {
                return failed;
            }
        }

        return disks.Contains(ChangedBench.Own) ? new ArchiveBench(scratch, size, contents, names, rounds).Run() : 0;
    }

    private int Run()
    {
        var bin = Environment.GetEnvironmentVariable("CLUSTERFS_BIN") ?? "out/bin";
        var tools = Tool.All(Path.GetFullPath(Path.Combine(bin, "clusterfs"))).Where(tool => names.Contains(tool.Name)).ToList();
        if (tools.Find(tool => tool.Name == "clusterfs" && !tool.IsInstalled) is { } ours)
        {
            Console.Error.WriteLine($"{ours.Program} is missing: ./build.sh build makes it");
            return 1;
        }

        foreach (var missing in tools.Where(tool => !tool.IsInstalled))
        {
            Console.WriteLine($"{missing.Name} is not installed and left out (Debian: apt-get install restic borgbackup zstd rsync)");
        }

        foreach (var workload in Workloads.Of(size).Where(workload => contents.Contains(workload.Name)))
        {
            var origin = Directory.CreateDirectory(Path.Combine(scratch, "origin")).FullName;
            workload.Create(origin);
            var changed = Path.Combine(scratch, "changed");
            Copy(origin, changed);
            workload.Change(changed);
            foreach (var tool in Enumerable.Range(0, rounds).SelectMany(_ => tools.Where(tool => tool.IsInstalled)))
            {
                Run(workload, tool, origin, changed);
            }

            Directory.Delete(origin, recursive: true);
            Directory.Delete(changed, recursive: true);
            Print(workload.Name, [.. tools.Where(tool => tool.IsInstalled)]);
        }

        return 0;
    }

    private static void Copy(string from, string to) => Sh($"cp -a '{from}' '{to}'");

    /// <summary>What was changed within 3 s before a dump, ours reads again with the next; that is not what is measured.</summary>
    private static void Settle() => Sh("sync; sleep 4");

    private static void Sh(string command)
    {
        using var process = Process.Start("sh", ["-c", command]);
        process.WaitForExit();
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException(command);
        }
    }

    private static long SizeOf(string directory) =>
        new DirectoryInfo(directory).EnumerateFiles("*", SearchOption.AllDirectories).Sum(file => file.Length);

    private void Run(Workload workload, Tool tool, string origin, string changed)
    {
        var home = Directory.CreateDirectory(Path.Combine(scratch, "tool")).FullName;
        var store = Directory.CreateDirectory(Path.Combine(home, "store")).FullName;
        var live = Path.Combine(home, "live");
        Copy(origin, live);
        if (tool.Prepare is { } prepare)
        {
            Measured.Run(home, Tool.Environment, prepare(store));
        }

        Settle();
        Take(Steps[0], () => tool.Dump(store, live, 1));

        // The same change for every tool, in place: cp keeps the inode of a file that is there, and what is gone is deleted. Origin and change
        // may bear the same second and size, so rsync has to compare nanoseconds too.
        Sh($"rsync -a --modify-window=-1 --inplace --no-whole-file --delete '{changed}/' '{live}/' 2>/dev/null || (cd '{changed}' && cp -a . '{live}/')");
        RequireSame(changed, live, "the change did not reach the live content");
        Settle();
        Take(Steps[1], () => tool.Dump(store, live, 2));
        Take(Steps[2], () => tool.Dump(store, live, 3));
        var to = Directory.CreateDirectory(Path.Combine(home, "to")).FullName;
        Take(Steps[3], () => tool.Restore(store, to, 3));
        RequireSame(changed, to, $"{tool.Name} did not restore what was dumped");
        if (tool.RestoreOver is { } over)
        {
            // A copy that is one change behind. Ours is made by a restore, which leaves its index beside the copy.
            var stale = Path.Combine(home, "stale");
            if (tool.Name == "clusterfs")
            {
                Measured.Run(home, Tool.Environment, [.. over(store, stale, 1), "--sequence", "2"]);
            }
            else
            {
                Copy(origin, stale);
            }

            // What a tool has just written past the cache would be read from the disk, the copies of the others from memory.
            Sh($"sync; find '{stale}' -type f -exec cat {{}} + >/dev/null");
            Take(Steps[4], () => over(store, stale, 3));
            RequireSame(changed, stale, $"{tool.Name} did not restore what was dumped over a stale copy", mayHaveMore: tool.LeavesWhatIsGone);
        }

        Directory.Delete(home, recursive: true);

        void Take(string step, Func<string[]> command)
        {
            var before = SizeOf(store);
            var cost = Measured.Run(home, Tool.Environment, command());
            var key = (workload.Name, tool.Name, step);
            if (!_results.TryGetValue(key, out var results))
            {
                _results.Add(key, results = []);
            }

            results.Add((cost, SizeOf(store) - before));
        }
    }

    private static void RequireSame(string expected, string found, string otherwise, bool mayHaveMore = false)
    {
        using var process = Process.Start(new ProcessStartInfo("diff", ["-rq", "--no-dereference", expected, found])
        {
            RedirectStandardOutput = true,
            Environment = { ["LC_ALL"] = "C" },
        })!;
        var differences = process.StandardOutput.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Where(line => !(mayHaveMore && line.StartsWith($"Only in {found}", StringComparison.Ordinal)))
            .ToList();
        process.WaitForExit();
        if (process.ExitCode > 1 || differences.Count > 0)
        {
            throw new InvalidOperationException($"{otherwise}: {differences.FirstOrDefault() ?? "diff failed"}");
        }
    }

    private void Print(string workload, IReadOnlyList<Tool> tools)
    {
        Console.WriteLine();
        Console.WriteLine($"{workload}");
        Console.WriteLine($"{"step",-20}{"tool",-12}{"time s",9}{"cpu s",9}{"MiB peak",10}{"MiB stored",12}{"time/restic",13}{"stored/restic",15}");
        foreach (var step in Steps)
        {
            foreach (var tool in tools)
            {
                if (!_results.TryGetValue((workload, tool.Name, step), out var result))
                {
                    continue;
                }

                // Each round beside its own: the machine drifts.
                var restic = _results.GetValueOrDefault((workload, "restic", step));
                var ratios = restic is null
                    ? string.Empty
                    : $"{Figure(Statistics.Median(result.Zip(restic, (our, its) => our.Cost.Seconds / its.Cost.Seconds))),13}"
                        + $"{(restic[0].Stored > 0 ? Figure((double)result[0].Stored / restic[0].Stored) : "-"),15}";
                Console.WriteLine(
                    $"{step,-20}{tool.Name,-12}{Figure(Statistics.Median(result.Select(one => one.Cost.Seconds))),9}{Figure(Statistics.Median(result.Select(one => one.Cost.Processor))),9}"
                    + $"{Figure(result.Max(one => one.Cost.Memory) / 1048576.0),10}{Figure(result[0].Stored / 1048576.0),12}{ratios}");
            }
        }
    }

    private static string Figure(double value) => value.ToString(value < 10 ? "0.00" : "0.0", CultureInfo.InvariantCulture);
}
