using System.CommandLine;
using ClusterFs.Api;
using ClusterFs.Cli.Display;

namespace ClusterFs.Cli.Commands;

/// <summary><c>clusterfs history</c>.</summary>
public static class HistoryCommand
{
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(30);

    public static Command Create()
    {
        var service = CommandArguments.Service();
        var command = new Command("history", "What happened to a service: who owned it, since when, and why that changed.") { service };
        command.SetAction(async (parsed, cancellation) =>
        {
            var settings = GlobalOptions.Load(parsed);
            var name = parsed.GetRequiredValue(service);
            settings.RequireService(name);
            var terminal = Terminal.Of(parsed);
            using var client = new DaemonClient(settings.Node.Socket);
            var report = await client.GetHistoryAsync(name, AnswerTimeout, cancellation).ConfigureAwait(false);
            if (parsed.GetValue(GlobalOptions.Json))
            {
                terminal.WriteJson(report, ApiJson.Default.HistoryReport);
                return ExitCodes.Done;
            }

            var listing = new Listing("TIME", "EVENT", "EPOCH", "NODE", "WHAT HAPPENED");
            foreach (var entry in report.Entries)
            {
                listing.Add(
                    Humane.Time(entry.At.ToUniversalTime()),
                    entry.Event,
                    entry.Epoch is { } epoch ? Humane.Number(epoch) : "",
                    entry.Node ?? "",
                    entry.Text);
            }

            terminal.Write(listing);
            return ExitCodes.Done;
        });
        return command;
    }
}
