using System.Globalization;
using System.Text;

namespace ClusterFs.Benchmarks;

/// <summary>
/// What <c>clusterfs logs</c> costs on the access logs of three nodes, written by all of them at once for an hour until now. The files are in the
/// cache of the machine, as far as that has room for them.
/// </summary>
internal sealed class LogsBench(string scratch, int mebibytes)
{
    private const int Nodes = 3;
    private const int Attempts = 5;
    private static readonly TimeSpan Time = TimeSpan.FromHours(1);
    private readonly Random _random = new(1);

    private string Configuration => Path.Combine(scratch, "node.conf");

    public int Run()
    {
        var clusterfs = Path.Combine(Environment.GetEnvironmentVariable("CLUSTERFS_BIN") ?? throw new InvalidOperationException("CLUSTERFS_BIN is not set"), "clusterfs");
        File.WriteAllText(Configuration, $$"""
            clusterfs {
              node { name = n1, state-dir = "{{scratch}}/state", socket = "{{scratch}}/socket" }
              cluster.nodes { n1 = 127.0.0.1, n2 = 127.0.0.2, n3 = 127.0.0.3 }
              journal { provider = sqlite, connection-string = "Data Source={{scratch}}/journal.db" }
              shared.path = "{{scratch}}/shared"
              services.wiki { live.path = "{{scratch}}/live", logs.link = "{{scratch}}/log/wiki" }
            }
            """);
        var bytes = Write();
        Console.WriteLine(FormattableString.Invariant($"{Nodes} nodes, {bytes / 1048576.0:F0} MiB in all"));
        Say("all, merged", $"'{clusterfs}' logs wiki", bytes);
        Say("one node of them", $"'{clusterfs}' logs wiki --node n2", bytes / Nodes);
        Say("all, --grep of a word", $"'{clusterfs}' logs wiki --grep /page/4711", bytes);
        Say("all, --grep of an expression", $"'{clusterfs}' logs wiki --grep 'POST .* 50[0-9] '", bytes);
        Say("cat, for comparison", $"cat shared/clusterfs/logs/wiki/*/wiki/*", bytes);
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            Say("--since 1m", $"'{clusterfs}' logs wiki --since 1m", null);
        }

        return 0;
    }

    private void Say(string what, string command, long? bytes)
    {
        var environment = new Dictionary<string, string> { ["CLUSTERFS_CONFIG"] = Configuration };
        var cost = Measured.Run(scratch, environment, "sh", "-c", $"{command} > /dev/null");
        var rate = bytes is { } read ? FormattableString.Invariant($"{read / 1048576.0 / cost.Seconds,6:F0} MiB/s") : "            ";
        Console.WriteLine(FormattableString.Invariant(
            $"{what + ":",-32} {cost.Seconds * 1000,8:F0} ms {rate} {cost.Memory / 1048576.0,6:F0} MiB of memory, processor {cost.Processor,5:F2} s"));
    }

    /// <returns>The size of all.</returns>
    private long Write()
    {
        var now = TimeProvider.System.GetUtcNow();
        var each = ((long)mebibytes << 20) / Nodes;
        var total = 0L;
        for (var node = 1; node <= Nodes; node++)
        {
            var directory = Directory.CreateDirectory(Path.Combine(scratch, "shared", "clusterfs", "logs", "wiki", $"n{node}", "wiki")).FullName;
            using var file = new StreamWriter(Path.Combine(directory, "access.log"), false, new UTF8Encoding(false), 1 << 20);
            for (var written = 0L; written < each;)
            {
                var at = now - Time + (Time * ((double)written / each));
                var line = string.Create(
                    CultureInfo.InvariantCulture,
                    $"192.0.2.{_random.Next(256)} - - [{at:dd'/'MMM'/'yyyy':'HH':'mm':'ss} +0000] \"{(_random.Next(9) == 0 ? "POST" : "GET")} /page/{_random.Next(10000)} HTTP/1.1\" {(_random.Next(99) == 0 ? 500 : 200)} {_random.Next(100000)} \"https://wiki.example/page/{_random.Next(10000)}\" \"Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0\"\n");
                file.Write(line);
                written += line.Length;
                total += line.Length;
            }
        }

        return total;
    }
}
