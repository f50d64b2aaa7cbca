using System.CommandLine;
using ClusterFs.Api;
using ClusterFs.Cli.Display;

namespace ClusterFs.Cli.Commands;

/// <summary><c>clusterfs config status</c>.</summary>
public static class ConfigStatusCommand
{
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(10);

    public static Command Create()
    {
        var place = new ConfigPlace();
        var command = new Command("status", "Which version each node uses, and what somebody has changed there. Ends with 1 unless all are current.") { place.Service };
        command.SetAction(async (parsed, cancellation) =>
        {
            var settings = GlobalOptions.Load(parsed);
            var service = place.Read(parsed, settings);
            var terminal = Terminal.Of(parsed);
            using var client = new DaemonClient(settings.Node.Socket);
            var report = await client.GetConfigAsync(service, AnswerTimeout, cancellation).ConfigureAwait(false);
            if (parsed.GetValue(GlobalOptions.Json))
            {
                terminal.WriteJson(report, ApiJson.Default.ConfigReport);
            }
            else
            {
                Write(terminal, report);
            }

            return report.Nodes.All(node => node.Problem is null && node.Files.All(file => file.File.State == ConfigFileState.Current)) ? ExitCodes.Done : ExitCodes.Failed;
        });
        return command;
    }

    private static void Write(Terminal terminal, ConfigReport report)
    {
        if (report.Nodes.IsEmpty)
        {
            terminal.Say("No config file is configured.");
        }

        foreach (var one in ConfigNotes.Rollouts(report))
        {
            terminal.Write(one);
        }

        foreach (var (node, file) in report.Nodes.SelectMany(node => node.Files.Select(file => (node.Node, file))))
        {
            terminal.Write($"{node}: {file.Service}: {file.File.Name}: {ConfigNotes.WordsFor(file.File)}");
            foreach (var kept in file.File.Kept.IsDefault ? [] : file.File.Kept)
            {
                terminal.Write($"{node}: {file.Service}: {file.File.Name}: what was changed there is kept as {kept}");
            }
        }
    }
}
