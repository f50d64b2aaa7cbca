using System.Globalization;

namespace ClusterFs.Benchmarks;

internal static class Program
{
    private const string Usage = "usage: bench archive [--size MiB] [--dir DIR]   (CLUSTERFS_BIN names the directory of clusterfs)";

    public static int Main(string[] arguments)
    {
        switch (arguments)
        {
            case ["measure", var result, var file, .. var rest]:
                return Measured.RunHere(result, file, rest);
            case ["archive", .. var rest]:
                return Archive(rest);
            default:
                Console.Error.WriteLine(Usage);
                return 2;
        }
    }

    private static int Archive(string[] arguments)
    {
        var size = 669;
        var directory = Path.GetTempPath();
        for (var i = 0; i + 1 < arguments.Length; i += 2)
        {
            switch (arguments[i])
            {
                case "--size" when int.TryParse(arguments[i + 1], CultureInfo.InvariantCulture, out size) && size > 0:
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
            return new ArchiveBench(scratch, size).Run();
        }
        finally
        {
            Directory.Delete(scratch, recursive: true);
        }
    }
}
