using System.CommandLine;
using ClusterFs.Api;
using ClusterFs.Cli.Display;

namespace ClusterFs.Cli.Commands;

/// <summary><c>clusterfs actor</c>.</summary>
public static class ActorCommand
{
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(15);

    public static Command Create()
    {
        var hierarchy = new Command("hierarchy", "The actors of this node's daemon, children below their parents.");
        hierarchy.SetAction(async (parsed, cancellation) =>
        {
            var settings = GlobalOptions.Load(parsed);
            var terminal = Terminal.Of(parsed);
            using var client = new DaemonClient(settings.Node.Socket);
            var report = await client.GetActorsAsync(AnswerTimeout, cancellation).ConfigureAwait(false);
            if (parsed.GetValue(GlobalOptions.Json))
            {
                terminal.WriteJson(report, ApiJson.Default.ActorsReport);
                return ExitCodes.Done;
            }

            foreach (var actor in report.Actors)
            {
                terminal.Write($"{new string(' ', 2 * actor.Depth)}{actor.Name}");
            }

            if (report.LeftOut > 0)
            {
                terminal.Write($"… {Humane.Number(report.LeftOut)} more");
            }

            return ExitCodes.Done;
        });
        return new Command("actor", "The actors of this node's daemon.") { hierarchy };
    }
}
