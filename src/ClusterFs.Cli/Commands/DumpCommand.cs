using System.CommandLine;
using ClusterFs.Api;
using ClusterFs.Cli.Display;

namespace ClusterFs.Cli.Commands;

/// <summary><c>clusterfs dump</c>.</summary>
public static class DumpCommand
{
    private static readonly TimeSpan DefaultTimeout = TimeSpan.FromMinutes(10);

    public static Command Create()
    {
        var service = CommandArguments.Service();
        var timeout = CommandArguments.Timeout(DefaultTimeout, "How long to wait for the dump.");
        var command = new Command("dump", "Dump a service's live content to the archive now. To be asked on the node that owns it.")
        {
            service, timeout,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            var settings = GlobalOptions.Load(parsed);
            var name = parsed.GetRequiredValue(service);
            settings.RequireService(name);
            var terminal = Terminal.Of(parsed);
            using var client = new DaemonClient(settings.Node.Socket);
            var report = await terminal.WorkAsync(
                $"Dumping {name}",
                _ => client.DumpAsync(name, parsed.GetValue(timeout) ?? DefaultTimeout, cancellation)).ConfigureAwait(false);
            if (parsed.GetValue(GlobalOptions.Json))
            {
                terminal.WriteJson(report, ApiJson.Default.DumpReport);
            }
            else
            {
                var dump = report.Dump;
                terminal.Write(
                    $"{report.Service}: dump #{dump.Sequence} of epoch {dump.Epoch}, {Humane.Bytes(dump.Bytes)}; "
                    + $"the archive grew by {Humane.Bytes(report.AddedBytes)}.");
                if (report.Guarantee is { } guarantee)
                {
                    terminal.Write(guarantee);
                }

                if (report.Warning is { } warning)
                {
                    terminal.Write(warning);
                }

                await Maintenance.SayAsync(terminal, client, cancellation).ConfigureAwait(false);
            }

            return ExitCodes.Done;
        });
        return command;
    }
}
