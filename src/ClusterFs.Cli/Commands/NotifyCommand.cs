using System.CommandLine;
using ClusterFs.Api;
using ClusterFs.Cli.Display;
using ClusterFs.Configuration;

namespace ClusterFs.Cli.Commands;

/// <summary><c>clusterfs notify</c>.</summary>
public static class NotifyCommand
{
    /// <summary>Others may wait before it.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public static Command Create() => new("notify", "Who is told when something happens: see notify in the configuration.") { CreateTest() };

    private static Command CreateTest()
    {
        var service = CommandArguments.OptionalService("The command of this service; that of all services without it.");
        var command = new Command("test", "Run the notification command on this node, with a test as its event.") { service };
        command.SetAction(async (parsed, cancellation) =>
        {
            var settings = GlobalOptions.Load(parsed);
            var name = parsed.GetValue(service) is { } written ? settings.RequireService(written).Name : null;
            var terminal = Terminal.Of(parsed);
            using var client = new DaemonClient(settings.Node.Socket);
            var timeout = (settings.NotifyOf(name ?? "") ?? settings.Notify)?.Timeout ?? TimeSpan.Zero;
            var report = await client.TestNotifyAsync(name, timeout + Patience, cancellation).ConfigureAwait(false);
            if (parsed.GetValue(GlobalOptions.Json))
            {
                terminal.WriteJson(report, ApiJson.Default.NotifyReport);
            }
            else
            {
                terminal.Write($"{report.Command} on {report.Node}: {report.Outcome}");
            }

            return report.Succeeded ? ExitCodes.Done : ExitCodes.Failed;
        });
        return command;
    }
}
