using System.CommandLine;
using ClusterFs.Api;
using ClusterFs.Cli.Display;

namespace ClusterFs.Cli.Commands;

/// <summary><c>clusterfs log</c>: the daemon's own log; those of services are <c>clusterfs logs</c>.</summary>
public static class LogCommand
{
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(15);

    public static Command Create()
    {
        var wanted = new Argument<string?>("LEVEL")
        {
            Description = "debug, information, warning or error, until the daemon is restarted; without it, what it is.", Arity = ArgumentArity.ZeroOrOne,
        };
        var level = new Command("level", "What the daemon of this node logs.") { wanted };
        level.SetAction(async (parsed, cancellation) =>
        {
            var settings = GlobalOptions.Load(parsed);
            var terminal = Terminal.Of(parsed);
            using var client = new DaemonClient(settings.Node.Socket);
            var report = await client.LogLevelAsync(parsed.GetValue(wanted), AnswerTimeout, cancellation).ConfigureAwait(false);
            if (parsed.GetValue(GlobalOptions.Json))
            {
                terminal.WriteJson(report, ApiJson.Default.LogLevelReport);
            }
            else
            {
                terminal.Write(report.Level);
            }

            return ExitCodes.Done;
        });
        return new Command("log", "The daemon's own log. Those of services: `clusterfs logs`.") { level };
    }
}
