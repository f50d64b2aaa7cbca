using System.CommandLine;
using ClusterFs.Demo;
using ClusterFs.Faults.Rig;
using ClusterFs.Faults.Scenarios;

namespace ClusterFs.Faults;

/// <summary>The program's own command line.</summary>
internal static class FaultCommand
{
    private const int NotPossible = 2;
    private const int Interrupted = 130;

    public static void AddTo(RootCommand command)
    {
        var minutes = new Option<double>("--minutes") { Description = "How long. Default: 5", DefaultValueFactory = _ => 5 };
        var seed = new Option<long>("--seed")
        {
            Description = "Draws the faults. Default: another one each time, which is printed",
            DefaultValueFactory = _ => Random.Shared.Next(1_000_000),
        };
        var nodes = new Option<int>("--nodes") { Description = "2, 3 or 5. Default: 3", DefaultValueFactory = _ => 3 };
        var keepLogs = new Option<string?>("--keep-logs")
        {
            Description = "Copy all logs to this directory at the end. Default: only after a violation, beside the report",
            HelpName = "DIR",
        };
        var report = new Option<string>("--report")
        {
            Description = "Where the report goes. Default: out/fault",
            HelpName = "DIR",
            DefaultValueFactory = _ => Path.Combine("out", "fault"),
        };
        nodes.AcceptOnlyFromAmong("2", "3", "5");
        foreach (var option in new Option[] { minutes, seed, nodes, keepLogs, report })
        {
            command.Options.Add(option);
        }

        command.SetAction((parsed, cancelled) => Guarded(() => CampaignRun.Run(
            new CampaignOptions(
                TimeSpan.FromMinutes(parsed.GetValue(minutes)),
                parsed.GetValue(seed),
                parsed.GetValue(nodes),
                parsed.GetValue(report)!,
                parsed.GetValue(keepLogs)),
            cancelled)));
    }

    private static async Task<int> Guarded(Func<Task<int>> run)
    {
        var missing = Needs.Missing();
        if (missing.Count > 0)
        {
            await Console.Error.WriteLineAsync($"this cannot run here:{Environment.NewLine}  {string.Join($"{Environment.NewLine}  ", missing)}");
            return NotPossible;
        }

        try
        {
            return await run();
        }
        catch (ConditionNotMetException e)
        {
            await Console.Error.WriteLineAsync(e.Message);
            return 1;
        }
        catch (OperationCanceledException)
        {
            await Console.Error.WriteLineAsync("interrupted; everything that was made is removed");
            return Interrupted;
        }
    }
}
