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
        var sabotage = new Option<bool>("--sabotage")
        {
            Description = "Break the promise on purpose, with a second writer that nobody granted anything: the checker has to find it",
        };
        var kills = new Option<int?>("--kills")
        {
            Description = "Instead: measure the failover time over so many kills of all processes of the owner",
            HelpName = "N",
        };
        var content = new Option<int>("--live-content")
        {
            Description = "With --kills: MiB of live content",
            HelpName = "MiB",
            DefaultValueFactory = _ => 50,
        };
        var calm = new Option<double?>("--calm")
        {
            Description = "Instead: show that nothing fails over for so many minutes, under the strain of the next three options",
            HelpName = "MINUTES",
        };
        var busy = new Option<bool>("--busy") { Description = "With --calm: another program keeps all cores busy" };
        var databaseAway = new Option<bool>("--database-away") { Description = "With --calm: the database is stopped all the time" };
        var restartDaemon = new Option<bool>("--restart-daemon") { Description = "With --calm: the daemon of the owner is killed every minute" };
        var services = new Option<int?>("--services")
        {
            Description = "Instead: measure what guards and daemons cost while they keep the leases of so many services on three nodes",
            HelpName = "N",
        };
        nodes.AcceptOnlyFromAmong("2", "3", "5");
        foreach (var option in new Option[] { minutes, seed, nodes, keepLogs, report, sabotage, kills, content, calm, busy, databaseAway, restartDaemon, services })
        {
            command.Options.Add(option);
        }

        command.SetAction((parsed, cancelled) => Guarded(() =>
        {
            var options = new FaultClusterOptions { Nodes = parsed.GetValue(nodes) };
            var logs = parsed.GetValue(keepLogs);
            if (parsed.GetValue(kills) is { } count)
            {
                return ScenarioRun.Run(
                    $"{count} kills of the owner, {parsed.GetValue(content)} MiB of live content",
                    options with { Ballast = (long)parsed.GetValue(content) << 20, Ttl = Kills.Ttl },
                    logs,
                    (cluster, progress) => Kills.Run(cluster, count, progress, cancelled));
            }

            if (parsed.GetValue(calm) is { } length)
            {
                var strain = new Strain(parsed.GetValue(busy), parsed.GetValue(databaseAway), parsed.GetValue(restartDaemon));
                return ScenarioRun.Run(
                    "No needless failover",
                    options,
                    logs,
                    (cluster, progress) => Calm.Run(cluster, TimeSpan.FromMinutes(length), strain, progress, cancelled));
            }

            if (parsed.GetValue(services) is { } many)
            {
                return ManyServicesRun.Run(many, logs, cancelled);
            }

            return CampaignRun.Run(
                new CampaignOptions(
                    TimeSpan.FromMinutes(parsed.GetValue(minutes)),
                    parsed.GetValue(seed),
                    options,
                    parsed.GetValue(report)!,
                    logs,
                    parsed.GetValue(sabotage)),
                cancelled);
        }));
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
