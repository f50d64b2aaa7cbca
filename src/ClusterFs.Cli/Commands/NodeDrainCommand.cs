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
            var report = await client.DrainAsync(name, true, AnswerTimeout, interrupted.Token).ConfigureAwait(false);
            try
            {
                report = await terminal.WorkAsync(
                    $"Draining {name}",
                    say => WatchAsync(client, report, parsed.GetValue(timeout) ?? DefaultTimeout, say, terminal, interrupted.Token)).ConfigureAwait(false);
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

            return Judge(report, terminal, isJson: parsed.GetValue(GlobalOptions.Json));
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
        DaemonClient client, DrainReport report, TimeSpan patience, Action<string> say, Terminal terminal, CancellationToken cancellation)
    {
        var time = TimeProvider.System;
        var (begun, movedAt) = (time.GetTimestamp(), time.GetTimestamp());
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
                movedAt = time.GetTimestamp();
                terminal.Say($"{left.Service}: {left.Doing}.");
            }

            say($"Draining {report.Node}: {report.Left.Length} left");
            var isStuck = report.Left.All(left => left.Stuck) && time.GetElapsedTime(movedAt) > StuckFor;
            if (report.Left.IsEmpty || isStuck || !report.Drained || time.GetElapsedTime(begun) > patience)
            {
                return report;
            }

            await Task.Delay(LookEvery, cancellation).ConfigureAwait(false);
            report = await client.LookAtDrainAsync(report.Node, AnswerTimeout, cancellation).ConfigureAwait(false);
        }
    }

    private static int Judge(DrainReport report, Terminal terminal, bool isJson)
    {
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
}
