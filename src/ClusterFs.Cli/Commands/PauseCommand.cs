using System.CommandLine;
using ClusterFs.Api;
using ClusterFs.Cli.Display;

namespace ClusterFs.Cli.Commands;

/// <summary><c>clusterfs pause</c> and <c>clusterfs resume</c>.</summary>
public static class PauseCommand
{
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(15);

    public static Command CreatePause() => Create(
        "pause", "For maintenance: grant a service to no node by itself. Where it runs, it runs on; it can still be moved.", pause: true);

    public static Command CreateResume() => Create(
        "resume", "Grant a service again, after a pause or after it was left alone because it never stayed up.", pause: false);

    private static Command Create(string name, string description, bool pause)
    {
        var service = CommandArguments.OptionalService("Only this service; all of them without it.");
        var command = new Command(name, description) { service };
        command.SetAction(async (parsed, cancellation) =>
        {
            var settings = GlobalOptions.Load(parsed);
            var only = parsed.GetValue(service);
            IEnumerable<string> names = only is null ? settings.Services.Keys : [settings.RequireService(only).Name];
            var terminal = Terminal.Of(parsed);
            var isJson = parsed.GetValue(GlobalOptions.Json);
            using var client = new DaemonClient(settings.Node.Socket);
            var reports = new List<PauseReport>();
            var worst = ExitCodes.Done;
            foreach (var one in names)
            {
                try
                {
                    var report = await client.PauseAsync(one, pause, AnswerTimeout, cancellation).ConfigureAwait(false);
                    reports.Add(report);
                    if (!isJson)
                    {
                        terminal.Write($"{report.Service}: {report.Message}.");
                    }
                }
                catch (DaemonException problem) when (only is null && problem.ExitCode != DaemonException.Unreachable)
                {
                    // One that is in trouble is no reason to leave the others as they are.
                    terminal.Say($"{one}: {problem.Message}.");
                    worst = Math.Max(worst, problem.ExitCode);
                }
            }

            if (isJson)
            {
                terminal.WriteJson([.. reports], ApiJson.Default.PauseReportArray);
            }
            else
            {
                await Maintenance.SayAsync(terminal, client, cancellation).ConfigureAwait(false);
            }

            return worst;
        });
        return command;
    }
}
