using System.CommandLine;
using ClusterFs.Api;
using ClusterFs.Cli.Display;

namespace ClusterFs.Cli.Commands;

/// <summary><c>clusterfs cluster-sharding</c>: where the actors are that decide on ownership.</summary>
public static class ShardingCommand
{
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(15);

    public static Command Create()
    {
        var regions = new Command("list-regions", "The kinds of actors that are spread over the nodes.");
        regions.SetAction((parsed, cancellation) => AskAsync(parsed, WriteRegions, cancellation));
        var stats = new Command("region-stats", "Which of them are on which node.");
        stats.SetAction((parsed, cancellation) => AskAsync(parsed, WriteShards, cancellation));
        return new Command("cluster-sharding", "Where the actors are that decide on each service's ownership.") { regions, stats };
    }

    private static async Task<int> AskAsync(ParseResult parsed, Action<Terminal, ShardingReport> write, CancellationToken cancellation)
    {
        var settings = GlobalOptions.Load(parsed);
        var terminal = Terminal.Of(parsed);
        using var client = new DaemonClient(settings.Node.Socket);
        var report = await client.GetShardsAsync(AnswerTimeout, cancellation).ConfigureAwait(false);
        if (parsed.GetValue(GlobalOptions.Json))
        {
            terminal.WriteJson(report, ApiJson.Default.ShardingReport);
        }
        else
        {
            write(terminal, report);
        }

        return ExitCodes.Done;
    }

    private static void WriteRegions(Terminal terminal, ShardingReport report)
    {
        foreach (var region in report.Regions)
        {
            terminal.Write(region);
        }
    }

    private static void WriteShards(Terminal terminal, ShardingReport report)
    {
        var listing = new Listing("NODE", "REGION", "SHARDS", "SERVICES");
        foreach (var node in report.Nodes)
        {
            listing.Add(node.Node, node.Region, Humane.Number(node.Shards.Length), string.Join(", ", node.Shards));
        }

        terminal.Write(listing);
    }
}
