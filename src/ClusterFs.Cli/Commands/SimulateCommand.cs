using System.CommandLine;
using ClusterFs.Api;
using ClusterFs.Cli.Display;

namespace ClusterFs.Cli.Commands;

/// <summary><c>clusterfs simulate</c>.</summary>
public static class SimulateCommand
{
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(60);

    public static Command Create()
    {
        var node = new Argument<string>("NODE") { Description = "A node of the configuration." };
        var kill = new Command("kill", "What would happen if this node were lost whole.") { node };
        kill.SetAction((parsed, cancellation) => AskAsync(parsed, parsed.GetRequiredValue(node), null, cancellation));
        var database = new Command("database", "What would happen if the journal's database were lost.");
        database.SetAction((parsed, cancellation) => AskAsync(parsed, null, "database", cancellation));
        var shared = new Command("shared", "What would happen if shared storage were lost.");
        shared.SetAction((parsed, cancellation) => AskAsync(parsed, null, "shared", cancellation));
        var lose = new Command("lose", "What would happen if something that the nodes share were lost.") { database, shared };
        return new Command(
            "simulate", "What would happen, how long it would take and what would be lost. Nothing is done: the present state is run ahead with the code that decides.")
        {
            kill, lose,
        };
    }

    private static async Task<int> AskAsync(ParseResult parsed, string? kill, string? lose, CancellationToken cancellation)
    {
        var settings = GlobalOptions.Load(parsed);
        var terminal = Terminal.Of(parsed);
        using var client = new DaemonClient(settings.Node.Socket);
        var report = await client.SimulateAsync(kill, lose, AnswerTimeout, cancellation).ConfigureAwait(false);
        if (parsed.GetValue(GlobalOptions.Json))
        {
            terminal.WriteJson(report, ApiJson.Default.SimulateReport);
            return ExitCodes.Done;
        }

        terminal.Write($"If {report.Lost} were lost now (nothing is done):");
        foreach (var service in report.Services)
        {
            Write(terminal, service);
        }

        return ExitCodes.Done;
    }

    private static void Write(Terminal terminal, ForeseenService service)
    {
        terminal.Write("");
        terminal.Write($"{service.Service}{(service.Owner is { } owner ? $", which {owner} owns" : ", which nobody owns")}: {Words(service)}");
        foreach (var step in service.Steps)
        {
            terminal.Write($"  {Humane.Seconds(step.AfterSeconds),9}  {step.Text}");
        }

        foreach (var note in service.Notes)
        {
            terminal.Write($"             {note}");
        }
    }

    private static string Words(ForeseenService service) => service.Outcome switch
    {
        "stays" => "goes on",
        "moves" => $"goes to {service.Next}, which has the lease after about {Humane.Seconds(service.LeasedAfterSeconds ?? 0)}",
        "stops" => service.StoppedAfterSeconds is { } after ? $"is stopped after {Humane.Seconds(after)}, and runs nowhere" : "runs nowhere",
        "nobody" => "gets no owner either",
        _ => "cannot be told",
    };
}
