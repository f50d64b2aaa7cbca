using System.CommandLine;
using ClusterFs.Api;
using ClusterFs.Cli.Display;
using ClusterFs.Configuration;

namespace ClusterFs.Cli.Commands;

/// <summary><c>clusterfs move</c>.</summary>
public static class MoveCommand
{
    private static readonly TimeSpan DefaultTimeout = TimeSpan.FromMinutes(2);

    public static Command Create()
    {
        var service = CommandArguments.Service();
        var to = new Option<string>("--to") { Description = "The node that is to own it.", HelpName = "NODE", Required = true };
        var timeout = CommandArguments.Timeout(DefaultTimeout, "How long to wait for the end of the move.");
        var command = new Command("move", "Move a service to another node. Nothing is lost: it is stopped, dumped, restored and started.")
        {
            service, to, timeout,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            var settings = GlobalOptions.Load(parsed);
            var name = parsed.GetRequiredValue(service);
            var node = parsed.GetRequiredValue(to);
            CheckNode(settings.RequireService(name), node);
            var terminal = Terminal.Of(parsed);
            using var client = new DaemonClient(settings.Node.Socket);
            var report = await terminal.WorkAsync(
                $"Moving {name} to {node}",
                _ => client.MoveAsync(name, node, parsed.GetValue(timeout) ?? DefaultTimeout, cancellation)).ConfigureAwait(false);
            if (parsed.GetValue(GlobalOptions.Json))
            {
                terminal.WriteJson(report, ApiJson.Default.MoveReport);
            }
            else
            {
                var from = report.From is null ? "" : $" from {report.From}";
                terminal.Write($"{report.Service} moved{from} to {report.To}, epoch {report.Epoch}.");
                if (!report.Along.IsDefaultOrEmpty)
                {
                    terminal.Write($"With it: {string.Join(", ", report.Along)}.");
                }

                await Maintenance.SayAsync(terminal, client, cancellation).ConfigureAwait(false);
            }

            return ExitCodes.Done;
        });
        return command;
    }

    private static void CheckNode(ServiceSettings service, string node)
    {
        if (!service.Nodes.Contains(node))
        {
            throw new CommandException(
                ExitCodes.Usage, $"{service.Name} may not run on '{node}'", $"its nodes are {string.Join(", ", service.Nodes)}");
        }
    }
}
