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
            return SeededPlace.Show(parsed, terminal, report, nodes => Write(terminal, nodes));
        });
        return command;
    }

    private static void Write(Terminal terminal, IEnumerable<SeededNodeReport> nodes)
    {
        foreach (var (node, file) in nodes.SelectMany(node => node.Files.Select(file => (node.Node, file))))
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
