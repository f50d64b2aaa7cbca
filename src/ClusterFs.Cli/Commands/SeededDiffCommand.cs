using System.CommandLine;
using ClusterFs.Api;
using ClusterFs.Cli.Display;

namespace ClusterFs.Cli.Commands;

/// <summary><c>clusterfs seeded diff</c>.</summary>
public static class SeededDiffCommand
{
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(30);

    public static Command Create()
    {
        var place = new SeededPlace();
        var command = new Command("diff", "What 'seeded render' would change, and on which node. Changes nothing.") { place.Service, place.Node };
        command.SetAction(async (parsed, cancellation) =>
        {
            var settings = GlobalOptions.Load(parsed);
            var (service, node) = place.Read(parsed, settings);
            var terminal = Terminal.Of(parsed);
            using var client = new DaemonClient(settings.Node.Socket);
            var report = await terminal.WorkAsync(
                "Rendering on every node", _ => client.CompareSeededAsync(service, node, AnswerTimeout, cancellation)).ConfigureAwait(false);
            if (parsed.GetValue(GlobalOptions.Json))
            {
                terminal.WriteJson(report, ApiJson.Default.SeededReport);
            }
            else
            {
                Write(terminal, report);
            }

            return report.Nodes.Any(one => one.Problem is not null || one.Files.Any(file => file.Failed)) ? ExitCodes.Failed : ExitCodes.Done;
        });
        return command;
    }

    private static void Write(Terminal terminal, SeededReport report)
    {
        SeededPlace.SayProblems(terminal, report);
        foreach (var (node, file) in report.Nodes.Where(node => node.Problem is null).SelectMany(node => node.Files.Select(file => (node.Node, file))))
        {
            terminal.Write($"{node}: {file.Service}: {file.File.Path}: {WordsFor(file)}");
            if (file.Diff is { } diff)
            {
                terminal.Write(diff.TrimEnd('\n'));
            }
        }
    }

    private static string WordsFor(SeededFileReport file) => file switch
    {
        { Failed: true } => file.Change ?? "cannot be rendered",
        { Change: null } => "nothing would change",
        _ => $"would be rendered: {file.Change}",
    };
}
