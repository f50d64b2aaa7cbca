using System.CommandLine;
using ClusterFs.Api;
using ClusterFs.Cli.Display;

namespace ClusterFs.Cli.Commands;

/// <summary><c>clusterfs seeded render</c>.</summary>
public static class SeededRenderCommand
{
    private static readonly TimeSpan DefaultTimeout = TimeSpan.FromMinutes(10);

    public static Command Create()
    {
        var place = new SeededPlace();
        var timeout = CommandArguments.Timeout(DefaultTimeout, "How long to wait for checks and reloads.");
        var command = new Command(
            "render",
            "Render what differs from its template, one node after the other, up to the first with a problem: check, swap, reload. What somebody changed on a node is kept aside.")
        {
            place.Service, place.Node, timeout,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            var settings = GlobalOptions.Load(parsed);
            var (service, node) = place.Read(parsed, settings);
            var terminal = Terminal.Of(parsed);
            using var client = new DaemonClient(settings.Node.Socket);
            var report = await terminal.WorkAsync(
                "Rendering on one node after the other",
                _ => client.RenderSeededAsync(service, node, parsed.GetValue(timeout) ?? DefaultTimeout, cancellation)).ConfigureAwait(false);
            return SeededPlace.Show(parsed, terminal, report, nodes => Write(terminal, nodes));
        });
        return command;
    }

    private static void Write(Terminal terminal, IEnumerable<SeededNodeReport> nodes)
    {
        foreach (var file in nodes.SelectMany(node => node.Files))
        {
            var status = file.File;
            var words = status.State == SeededFileState.Current
                ? $"current{(status.RenderedAt is { } at ? $", rendered {Humane.Time(at)} because {status.RenderedBecause}" : "")}"
                : $"{status.State.ToString().ToLowerInvariant()}: {status.Reason}";
            terminal.Write($"{status.Node}: {file.Service}: {status.Path}: {words}");
            foreach (var kept in status.Kept)
            {
                terminal.Write($"{status.Node}: {file.Service}: {status.Path}: what was changed there is kept as {kept}");
            }
        }
    }
}
