using System.CommandLine;
using ClusterFs.Api;
using ClusterFs.Cli.Display;

namespace ClusterFs.Cli.Commands;

/// <summary><c>clusterfs cluster</c>: the daemons as members of one cluster. Leases and services do not depend on it.</summary>
public static class ClusterCommand
{
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(15);

    public static Command Create()
    {
        var node = new Argument<string>("NODE") { Description = "A node of the configuration." };
        var show = new Command("show", "The members, as this node sees them.");
        show.SetAction(ShowAsync);
        var leave = new Command("leave", "Have this node's daemon leave in order; it joins again by itself. Services go on.");
        leave.SetAction((parsed, cancellation) => ChangeAsync(parsed, client => client.LeaveAsync(AnswerTimeout, cancellation)));
        var down = new Command("down", "Remove a node's daemon from the cluster; one that lives joins again by itself. Services go on.") { node };
        down.SetAction((parsed, cancellation) => ChangeAsync(parsed, client => client.DownAsync(parsed.GetRequiredValue(node), AnswerTimeout, cancellation)));
        var lost = new Command("down-unreachable", "Remove every daemon that this node does not reach.");
        lost.SetAction((parsed, cancellation) => ChangeAsync(parsed, client => client.DownUnreachableAsync(AnswerTimeout, cancellation)));
        return new Command("cluster", "The daemons as members of one cluster.") { show, leave, down, lost };
    }

    private static async Task<int> ShowAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var settings = GlobalOptions.Load(parsed);
        var terminal = Terminal.Of(parsed);
        using var client = new DaemonClient(settings.Node.Socket);
        var report = (await client.GetStatusAsync(AnswerTimeout, cancellation).ConfigureAwait(false)).Cluster;
        if (parsed.GetValue(GlobalOptions.Json))
        {
            terminal.WriteJson(report, ApiJson.Default.ClusterStatus);
            return ExitCodes.Done;
        }

        var listing = new Listing("NODE", "ADDRESS", "STATUS", "REACHED");
        foreach (var member in report.Members)
        {
            listing.Add(member.Name, member.Address, member.Status, member.Reachable ? "yes" : "no");
        }

        terminal.Write(listing);
        return ExitCodes.Done;
    }

    private static async Task<int> ChangeAsync(ParseResult parsed, Func<DaemonClient, Task<MembershipReport>> change)
    {
        var settings = GlobalOptions.Load(parsed);
        var terminal = Terminal.Of(parsed);
        using var client = new DaemonClient(settings.Node.Socket);
        var report = await change(client).ConfigureAwait(false);
        if (parsed.GetValue(GlobalOptions.Json))
        {
            terminal.WriteJson(report, ApiJson.Default.MembershipReport);
        }
        else
        {
            terminal.Write($"{report.Message}.");
        }

        return ExitCodes.Done;
    }
}
