using System.Collections.Immutable;
using System.CommandLine;
using ClusterFs.Api;
using ClusterFs.Cli.Display;
using ClusterFs.Configuration;

namespace ClusterFs.Cli.Commands;

/// <summary><c>clusterfs node drain</c> and <c>clusterfs node undrain</c>.</summary>
public static class NodeDrainCommand
{
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan DefaultTimeout = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(500);

    /// <summary>What is stuck for so long will not go by itself: another node may only have been starting.</summary>
    private static readonly TimeSpan StuckFor = TimeSpan.FromSeconds(15);

    public static Command CreateDrain()
    {
        var node = NodeArgument();
        var timeout = CommandArguments.Timeout(DefaultTimeout, "How long to wait until everything is moved.");
        var command = new Command(
            "drain", "For maintenance: move everything away that a node owns, one planned move each, and give it nothing until it is undrained.") { node, timeout };
        command.SetAction(async (parsed, cancellation) =>
        {
            var settings = GlobalOptions.Load(parsed);
            var name = NodeOf(settings, parsed.GetValue(node));
            var terminal = Terminal.Of(parsed);
            using var client = new DaemonClient(settings.Node.Socket);
            using var interrupted = new Interruption(cancellation);
            var before = await client.GetStatusAsync(AnswerTimeout, interrupted.Token).ConfigureAwait(false);
            var report = await client.DrainAsync(name, true, AnswerTimeout, interrupted.Token).ConfigureAwait(false);
            ImmutableArray<ServiceStatus> nowhere = [];
            var patience = new Patience(parsed.GetValue(timeout) ?? DefaultTimeout);
            try
            {
                report = await terminal.WorkAsync(
                    $"Draining {name}", say => WatchAsync(client, report, patience, say, terminal, interrupted.Token)).ConfigureAwait(false);
                if (report is { Drained: true, Left.IsEmpty: true })
                {
                    nowhere = await terminal.WorkAsync(
                        $"Waiting for what {name} had to run elsewhere", _ => FollowAsync(client, before, name, patience, interrupted.Token)).ConfigureAwait(false);
                }
            }
            catch (OperationCanceledException) when (interrupted.Token.IsCancellationRequested)
            {
                throw new CommandException(
                    ExitCodes.Failed, $"interrupted; {name} stays drained, and goes on moving things away", $"'clusterfs node undrain {name}' ends it");
            }

            if (parsed.GetValue(GlobalOptions.Json))
            {
                terminal.WriteJson(report, ApiJson.Default.DrainReport);
            }

            return Judge(report, nowhere, terminal, isJson: parsed.GetValue(GlobalOptions.Json));
        });
        return command;
    }

    public static Command CreateUndrain()
    {
        var node = NodeArgument();
        var command = new Command("undrain", "Let a node have services again. Nothing is moved back by that; see failback in the configuration.") { node };
        command.SetAction(async (parsed, cancellation) =>
        {
            var settings = GlobalOptions.Load(parsed);
            var name = NodeOf(settings, parsed.GetValue(node));
            var terminal = Terminal.Of(parsed);
            using var client = new DaemonClient(settings.Node.Socket);
            var report = await client.DrainAsync(name, false, AnswerTimeout, cancellation).ConfigureAwait(false);
            if (parsed.GetValue(GlobalOptions.Json))
            {
                terminal.WriteJson(report, ApiJson.Default.DrainReport);
            }
            else
            {
                terminal.Write($"{name} is not drained: it can have services again.");
            }

            return ExitCodes.Done;
        });
        return command;
    }

    private static Argument<string?> NodeArgument() => new("NODE") { Description = "A node of the configuration; this one without it.", Arity = ArgumentArity.ZeroOrOne };

    private static string NodeOf(Settings settings, string? written) =>
        written is null || settings.Cluster.Nodes.ContainsKey(written)
            ? written ?? settings.Node.Name
            : throw new CommandException(ExitCodes.Usage, $"there is no node '{written}'", $"the nodes are {string.Join(", ", settings.Cluster.Nodes.Keys)}");

    /// <summary>The node does it by itself; this only looks on.</summary>
    private static async Task<DrainReport> WatchAsync(
        DaemonClient client, DrainReport report, Patience patience, Action<string> say, Terminal terminal, CancellationToken cancellation)
    {
        var time = TimeProvider.System;
        var movedAt = time.GetTimestamp();
        var seen = new HashSet<(string, string)>();
        var told = new Dictionary<string, string>(StringComparer.Ordinal);
        while (true)
        {
            foreach (var gone in told.Keys.Except(report.Left.Select(left => left.Service)).ToList())
            {
                told.Remove(gone);
                terminal.Say($"{gone}: is gone from {report.Node}.");
            }

            foreach (var left in report.Left.Where(left => told.GetValueOrDefault(left.Service) != left.Doing))
            {
                told[left.Service] = left.Doing;

                // One that is asked for again and again, and refused, changes its words each time and comes no further.
                movedAt = seen.Add((left.Service, left.Doing)) ? time.GetTimestamp() : movedAt;
                terminal.Say($"{left.Service}: {left.Doing}.");
            }

            say($"Draining {report.Node}: {report.Left.Length} left");
            var isStuck = report.Left.All(left => left.Stuck) && time.GetElapsedTime(movedAt) > StuckFor;
            if (report.Left.IsEmpty || isStuck || !report.Drained || patience.IsOver)
            {
                return report;
            }

            await Task.Delay(LookEvery, cancellation).ConfigureAwait(false);
            report = await client.LookAtDrainAsync(report.Node, AnswerTimeout, cancellation).ConfigureAwait(false);
        }
    }

    /// <returns>What does not run elsewhere, and does not look as if it soon did.</returns>
    private static async Task<ImmutableArray<ServiceStatus>> FollowAsync(
        DaemonClient client, StatusReport before, string node, Patience patience, CancellationToken cancellation)
    {
        var standing = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var left = Nowhere(before, await client.GetStatusAsync(AnswerTimeout, cancellation).ConfigureAwait(false), node);
            if (left.Any(service => service.State is not (ServiceState.Vacant or ServiceState.Paused)))
            {
                standing = TimeProvider.System.GetTimestamp();
            }

            if (left.IsEmpty || patience.IsOver || TimeProvider.System.GetElapsedTime(standing) > StuckFor)
            {
                return left;
            }

            await Task.Delay(LookEvery, cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>Of what a node owned, what runs on no other by now.</summary>
    internal static ImmutableArray<ServiceStatus> Nowhere(StatusReport before, StatusReport now, string node)
    {
        var had = before.Services.Where(service => service.Owner == node).Select(service => service.Name).ToHashSet(StringComparer.Ordinal);
        return [.. now.Services.Where(service => had.Contains(service.Name) && !(service.State is ServiceState.Owned && service.Owner is { } owner && owner != node))];
    }

    private static int Judge(DrainReport report, ImmutableArray<ServiceStatus> nowhere, Terminal terminal, bool isJson)
    {
        if (!nowhere.IsEmpty)
        {
            throw new CommandException(
                nowhere.All(service => service.State is ServiceState.Vacant or ServiceState.Paused) ? ExitCodes.Failed : ExitCodes.TimedOut,
                $"{report.Node} is drained, but not all that it had runs elsewhere: "
                    + string.Join(", ", nowhere.Select(service => $"{service.Name} ({service.Reason ?? service.State.ToString().ToLowerInvariant()})")),
                $"mend what keeps the other nodes from it, or let {report.Node} have it again: 'clusterfs node undrain {report.Node}'");
        }

        if (report is { Drained: true, Left.IsEmpty: true })
        {
            if (!isJson)
            {
                terminal.Write($"{report.Node} is drained: it owns nothing, and is given nothing until 'clusterfs node undrain {report.Node}'.");
            }

            return ExitCodes.Done;
        }

        throw !report.Drained
            ? new CommandException(ExitCodes.Failed, $"{report.Node} was undrained meanwhile", "see 'clusterfs status'")
            : new CommandException(
                report.Left.All(left => left.Stuck) ? ExitCodes.Failed : ExitCodes.TimedOut,
                $"{report.Node} still owns {string.Join(", ", report.Left.Select(left => $"{left.Service} ({left.Doing})"))}",
                $"it stays drained, and moves them as soon as it can; 'clusterfs node undrain {report.Node}' ends that");
    }

    /// <summary>For all that the command waits for together.</summary>
    private sealed class Patience(TimeSpan span)
    {
        private readonly long _begun = TimeProvider.System.GetTimestamp();

        public bool IsOver => TimeProvider.System.GetElapsedTime(_begun) > span;
    }
}
