using System.Globalization;

namespace ClusterFs.Benchmarks;

internal static class Program
{
    private const string Usage = """
        usage: bench archive [--size MiB] [--dir DIR]   (CLUSTERFS_BIN names the directory of clusterfs)
               bench hour [--dumps N] [--dir DIR]       an hour of dumps every second, as fast as they go
               bench changed [--size MiB] [--dir DIR]   10 MiB changed in one large file, on XFS and on btrfs
               bench loops [--dir DIR]                  the innermost loops, by BenchmarkDotNet
               bench standby [--size MiB] [--dir DIR]   takeovers with a standby copy and without
               bench logs [--size MiB] [--dir DIR]      the logs of three nodes as one
               bench static [--files N] [--dir DIR]     static content published on three nodes
               bench polling [--files N] [--dir DIR]    looks at a config file of many files that does not change
        """;

    public static int Main(string[] arguments)
    {
        switch (arguments)
        {
            case ["measure", var result, var file, .. var rest]:
                return Measured.RunHere(result, file, rest);
            case ["archive", .. var rest]:
                return Bench("--size", 669, rest, (scratch, size) => new ArchiveBench(scratch, size).Run());
            case ["hour", .. var rest]:
                return Bench("--dumps", 3600, rest, (scratch, dumps) => new HourBench(scratch, dumps).Run());
            case ["changed", .. var rest]:
                return Bench("--size", 10240, rest, (scratch, size) => new ChangedBench(scratch, size).Run());
            case ["loops", .. var rest]:
                return Bench("--size", 1, rest, (scratch, _) => LoopsBench.Run(scratch));
            case ["standby", .. var rest]:
                return Bench("--size", 1024, rest, (scratch, size) => new StandbyBench(scratch, size).Run());
            case ["logs", .. var rest]:
                return Bench("--size", 1024, rest, (scratch, size) => new LogsBench(scratch, size).Run());
            case ["static", .. var rest]:
                return Bench("--files", 10_000, rest, (scratch, files) => new StaticBench(scratch, files).Run());
            case ["polling", .. var rest]:
                return Bench("--files", 10_000, rest, (scratch, files) => new PollingBench(scratch, files).Run());
            default:
                Console.Error.WriteLine(Usage);
                return 2;
        }
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

        var scratch = Directory.CreateDirectory(Path.Combine(directory, $"clusterfs-bench.{Environment.ProcessId}")).FullName;
        try
        {
            return run(scratch, number);
        }
        finally
        {
            Directory.Delete(scratch, recursive: true);
        }
    }
}
