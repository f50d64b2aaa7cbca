using Akka.Actor;
using Akka.Configuration;

namespace ClusterFs.Benchmarks;

/// <summary>A member of a cluster that does nothing else: what of a daemon's cost is Akka.Cluster's.</summary>
internal static class PlainNode
{
    public const string OwnPace = "own";
    public const string DaemonsPace = "daemon";

    private const string FirstAddress = "127.0.0.1";
    private const int Port = 4999;

    /// <summary>How often the daemon has Akka do something, by its own configuration.</summary>
    private static readonly string[] Pace =
    [
        "akka.scheduler.tick-duration",
        "akka.cluster.failure-detector.heartbeat-interval",
        "akka.cluster.failure-detector.acceptable-heartbeat-pause",
        "akka.cluster.failure-detector.expected-response-after",
        "akka.cluster.gossip-interval",
        "akka.cluster.leader-actions-interval",
        "akka.cluster.unreachable-nodes-reaper-interval",
    ];

    public static int Run(string address, string pace)
    {
        var settings = $$"""
            akka.actor.provider = cluster
            akka.loglevel = WARNING
            akka.remote.dot-netty.tcp { hostname = {{address}}, port = {{Port}} }
            akka.cluster.seed-nodes = ["akka.tcp://plain@{{FirstAddress}}:{{Port}}"]
            {{(pace == DaemonsPace ? DaemonsSettings() : string.Empty)}}
            """;
        using var system = ActorSystem.Create("plain", ConfigurationFactory.ParseString(settings));
        system.WhenTerminated.Wait();
        return 0;
    }

    private static string DaemonsSettings()
    {
        using var stream = typeof(PlainNode).Assembly.GetManifestResourceStream("akka.conf")!;
        using var reader = new StreamReader(stream);
        var daemon = ConfigurationFactory.ParseString(reader.ReadToEnd());
        return string.Join('\n', Pace.Select(key => $"{key} = {daemon.GetString(key)}"));
    }
}
