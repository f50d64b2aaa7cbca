using System.Globalization;

namespace ClusterFs.Benchmarks;

internal static class Program
{
    private const string Usage = """
        usage: bench archive [--size MiB] [--content NAME,...] [--tools NAME,...] [--on NAME,...] [--rounds N] [--dir DIR]
                                                        on an XFS or btrfs made for it, or where DIR lies (own); CLUSTERFS_BIN names
                                                        the directory of clusterfs
               bench hour [--dumps N] [--dir DIR]       an hour of dumps every second, as fast as they go
               bench changed [--size MiB] [--on NAME,...] [--dir DIR]
                                                        10 MiB changed in one large file, on XFS, on btrfs, and where DIR lies (own)
               bench loops [--dir DIR]                  the innermost loops, by BenchmarkDotNet
               bench standby [--size MiB] [--dir DIR]   takeovers with a standby copy and without
               bench writer [--size MiB] [--rounds N] [--dir DIR] [--store DIR]
                                                        a SQLite writer at full speed, without dumps and with them; the archive in another
                                                        directory, of another file system
               bench logs [--size MiB] [--dir DIR]      the logs of three nodes as one
               bench static [--files N] [--dir DIR]     static content published on three nodes
               bench idle [--services N] [--dir DIR]    daemons to which nothing happens, beside Akka.Cluster alone
               bench polling [--files N] [--dir DIR]    looks at a config file of many files that does not change
        """;

    public static int Main(string[] arguments)
    {
        switch (arguments)
        {
            case ["measure", var result, var file, .. var rest]:
                return Measured.RunHere(result, file, rest);
            case ["write-rows", var database]:
                return WriterBench.WriteRows(database);
            case ["plain-node", var address, var pace]:
                return PlainNode.Run(address, pace);
            case ["archive", .. var rest]:
                var contents = Names(ref rest, "--content", Workloads.Of(1).Select(workload => workload.Name));
                var tools = Names(ref rest, "--tools", Tool.All(string.Empty).Select(tool => tool.Name));
                var disks = Names(ref rest, "--on", ChangedBench.All, ChangedBench.Own);
                return Rounds(ref rest, 1) is not { } rounds ? Main([]) : Bench("--size", 669, rest, (scratch, size) => ArchiveBench.Run(scratch, size, contents, tools, disks, rounds));
            case ["hour", .. var rest]:
                return Bench("--dumps", 3600, rest, (scratch, dumps) => new HourBench(scratch, dumps).Run());
            case ["changed", .. var rest]:
                var places = Names(ref rest, "--on", ChangedBench.All);
                return Bench("--size", 10240, rest, (scratch, size) => new ChangedBench(scratch, size, places).Run());
            case ["loops", .. var rest]:
                return Bench("--size", 1, rest, (scratch, _) => LoopsBench.Run(scratch));
            case ["standby", .. var rest]:
                return Bench("--size", 1024, rest, (scratch, size) => new StandbyBench(scratch, size).Run());
            case ["writer", .. var rest]:
                var store = Value(ref rest, "--store");
                return Rounds(ref rest, 4) is not { } turns
                    ? Main([])
                    : Bench("--size", 256, rest, (scratch, size) => InScratch(store ?? scratch, shared => new WriterBench(scratch, shared, size, turns).Run()));
            case ["logs", .. var rest]:
                return Bench("--size", 1024, rest, (scratch, size) => new LogsBench(scratch, size).Run());
            case ["static", .. var rest]:
                return Bench("--files", 10_000, rest, (scratch, files) => new StaticBench(scratch, files).Run());
            case ["idle", .. var rest]:
                return Bench("--services", 10, rest, (scratch, services) => new IdleBench(scratch, services).Run());
            case ["polling", .. var rest]:
                return Bench("--files", 10_000, rest, (scratch, files) => new PollingBench(scratch, files).Run());
            default:
                Console.Error.WriteLine(Usage);
                return 2;
        }
    }

    /// <summary>Takes an option out of the arguments: names with commas between them.</summary>
    /// <param name="all">Those there are.</param>
    /// <param name="otherwise">What is meant where the option is not given: one of them, or all.</param>
    private static HashSet<string> Names(ref string[] arguments, string option, IEnumerable<string> all, string? otherwise = null)
    {
        var at = Array.IndexOf(arguments, option);
        if (at < 0 || at + 1 == arguments.Length)
        {
            return otherwise is null ? [.. all] : [otherwise];
        }

        var names = arguments[at + 1].Split(',');
        arguments = [.. arguments[..at], .. arguments[(at + 2)..]];
        return names.All(all.Contains)
            ? [.. names]
            : throw new ArgumentException($"{option} takes some of these, with commas between them: {string.Join(',', all)}");
    }

    /// <returns>Null where it is no number of rounds.</returns>
    private static int? Rounds(ref string[] arguments, int otherwise) =>
        Value(ref arguments, "--rounds") is not { } given ? otherwise : int.TryParse(given, CultureInfo.InvariantCulture, out var rounds) && rounds > 0 ? rounds : null;

    /// <summary>Takes an option with one value out of the arguments.</summary>
    /// <returns>Null where it is not given.</returns>
    private static string? Value(ref string[] arguments, string option)
    {
        var at = Array.IndexOf(arguments, option);
        if (at < 0 || at + 1 == arguments.Length)
        {
            return null;
        }

        var value = arguments[at + 1];
        arguments = [.. arguments[..at], .. arguments[(at + 2)..]];
        return value;
    }

    private static int Bench(string option, int number, string[] arguments, Func<string, int, int> run)
    {
        var directory = Path.GetTempPath();
        for (var i = 0; i + 1 < arguments.Length; i += 2)
        {
            switch (arguments[i])
            {
                case var given when given == option && int.TryParse(arguments[i + 1], CultureInfo.InvariantCulture, out number) && number > 0:
                    break;
                case "--dir":
                    directory = arguments[i + 1];
                    break;
                default:
                    Console.Error.WriteLine(Usage);
                    return 2;
            }
        }

        return InScratch(directory, scratch => run(scratch, number));
    }

    private static int InScratch(string directory, Func<string, int> run)
    {
        var scratch = Directory.CreateDirectory(Path.Combine(directory, $"clusterfs-bench.{Environment.ProcessId}")).FullName;
        try
        {
            return run(scratch);
        }
        finally
        {
            Directory.Delete(scratch, recursive: true);
        }
    }
}
