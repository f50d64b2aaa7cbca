using System.CommandLine;
using System.Diagnostics;
using ClusterFs.Api;
using ClusterFs.Cli.Display;

namespace ClusterFs.Cli.Commands;

/// <summary><c>clusterfs config apply</c>.</summary>
public static class ConfigApplyCommand
{
    private static readonly TimeSpan DefaultTimeout = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(200);

    public static Command Create()
    {
        var place = new ConfigPlace();
        var dry = new Option<bool>("--dry-run") { Description = "Show what would change on each node, as a diff. Changes nothing." };
        var timeout = CommandArguments.Timeout(DefaultTimeout, "How long to wait for the roll-out. It goes on without anybody waiting.");
        var command = new Command(
            "apply",
            "Roll out what lies on shared storage now, one node after the other, up to the first that refuses it: also what failed before, and over what was changed on a node, which is kept aside.")
        {
            place.Service, dry, timeout,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            var settings = GlobalOptions.Load(parsed);
            var service = place.Read(parsed, settings);
            var terminal = Terminal.Of(parsed);
            using var client = new DaemonClient(settings.Node.Socket);
            if (parsed.GetValue(dry))
            {
                var report = await terminal.WorkAsync(
                    "Comparing on every node", _ => client.CompareConfigAsync(service, AnswerTimeout, cancellation)).ConfigureAwait(false);
                return ShowDifferences(parsed, terminal, report);
            }

            var begun = await terminal.WorkAsync("Beginning", _ => client.ApplyConfigAsync(service, AnswerTimeout, cancellation)).ConfigureAwait(false);
            return await FollowAsync(parsed, terminal, client, service, begun, parsed.GetValue(timeout) ?? DefaultTimeout, cancellation).ConfigureAwait(false);
        });
        return command;
    }

    private static int ShowDifferences(ParseResult parsed, Terminal terminal, ConfigReport report)
    {
        if (parsed.GetValue(GlobalOptions.Json))
        {
            terminal.WriteJson(report, ApiJson.Default.ConfigReport);
        }
        else
        {
            foreach (var node in report.Nodes.Where(node => node.Problem is not null))
            {
                terminal.Say($"{node.Node}: {node.Problem}");
            }

            foreach (var (node, file) in report.Nodes.Where(node => node.Problem is null).SelectMany(node => node.Files.Select(file => (node.Node, file))))
            {
                terminal.Write($"{node}: {file.Service}: {file.File.Name}: " + file switch
                {
                    { Problem: { } problem } => problem,
                    { Diff: null } => $"nothing would change, version {file.File.Version}",
                    _ => $"version {file.File.Version ?? "none"} would become {file.SourceVersion}",
                });
                if (file.Diff is { } diff)
                {
                    terminal.Write(diff.TrimEnd('\n'));
                }
            }
        }

        return report.Nodes.Any(node => node.Problem is not null || node.Files.Any(file => file.Problem is not null)) ? ExitCodes.Failed : ExitCodes.Done;
    }

    /// <summary>Says which node is at it, until all roll-outs have ended.</summary>
    private static async Task<int> FollowAsync(
        ParseResult parsed, Terminal terminal, DaemonClient client, string? service, ConfigApplyReport begun, TimeSpan timeout, CancellationToken cancellation)
    {
        var asJson = parsed.GetValue(GlobalOptions.Json);
        foreach (var refused in begun.Files.Where(file => file.Problem is not null))
        {
            terminal.Say($"{refused.Service}: {refused.Name}: {refused.Problem}");
        }

        var told = new HashSet<string>(StringComparer.Ordinal);
        var since = Stopwatch.StartNew();
        while (true)
        {
            var report = await client.GetConfigAsync(service, AnswerTimeout, cancellation).ConfigureAwait(false);
            var rollouts = begun.Files.Where(file => file.Problem is null).Select(file => (File: file, Rollout: NewestOf(report, file))).ToList();
            foreach (var (file, rollout) in rollouts)
            {
                foreach (var node in rollout?.Nodes.Where(node => node.Turn != ConfigTurn.Waiting) ?? [])
                {
                    var line = $"{node.Node}: {file.Service}: {file.Name}: {ConfigNotes.WordsFor(node.Turn)}, version {rollout!.Version}";
                    if (!asJson && told.Add(line))
                    {
                        terminal.Write(line);
                    }
                }
            }

            var ended = rollouts.All(one => one.Rollout is { State: not ConfigRolloutState.Running });
            if (!ended && since.Elapsed < timeout)
            {
                await Task.Delay(LookEvery, cancellation).ConfigureAwait(false);
                continue;
            }

            if (asJson)
            {
                terminal.WriteJson(report, ApiJson.Default.ConfigReport);
            }

            foreach (var (file, rollout) in rollouts.Where(one => one.Rollout is { Problem: not null }))
            {
                terminal.Say($"{file.Service}: {file.Name}: stopped at {rollout!.Problem}");
            }

            if (!ended)
            {
                foreach (var reason in report.Nodes.SelectMany(node => node.Files.Where(file => file.File.Reason is not null)
                    .Select(file => $"{node.Node}: {file.Service}: {file.File.Name}: {file.File.Reason}")))
                {
                    terminal.Say(reason);
                }

                return ExitCodes.TimedOut;
            }

            return begun.Files.Any(file => file.Problem is not null) || rollouts.Any(one => one.Rollout is { State: ConfigRolloutState.Stopped })
                ? ExitCodes.Failed
                : ExitCodes.Done;
        }
    }

    /// <returns>Null while no node has heard of it.</returns>
    private static ConfigRolloutStatus? NewestOf(ConfigReport report, ConfigApplied file) => report.Nodes.SelectMany(node => node.Files)
        .Where(one => one.Service == file.Service && one.File.Name == file.Name && one.File.Rollout is { } rollout && rollout.Number >= file.Number)
        .Select(one => one.File.Rollout!)
        .MaxBy(rollout => rollout.Number);
}
