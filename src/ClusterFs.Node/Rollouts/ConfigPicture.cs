using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Json;
using ClusterFs.Api;
using ClusterFs.Configuration;
using ClusterFs.Content.Config;
using ClusterFs.Content.Config.Rollout;

namespace ClusterFs.Node.Rollouts;

/// <summary>What a node says of its config files, in the words of the API. Pure.</summary>
internal static class ConfigPicture
{
    /// <summary>A message between nodes has to fit into one frame.</summary>
    private const int MaxBytes = 100_000;

    private const int MaxDiff = 64 << 10;
    private const int ShownDigits = 12;

    /// <param name="states">All of the node's.</param>
    /// <param name="service">Only of this one; null for all.</param>
    /// <param name="differences">What a roll-out would change, where that was asked.</param>
    public static ConfigNodeReport Draw(
        string node, ImmutableArray<ConfigState> states, string? service, ImmutableArray<ConfigDifference> differences) => new(
        node,
        null,
        [
            .. states.Where(state => service is null || state.Service == service).Select(state =>
            {
                var difference = differences.FirstOrDefault(one => one.Service == state.Service && one.Name == state.Name);
                return new ConfigFileReport(
                    state.Service, StatusOf(node, state), Short(difference?.Version), difference?.Problem, difference is { Diff.Length: > 0 } ? difference.Diff : null);
            }),
        ]);

    /// <summary>What is known of a node that does not answer: which config files it should have.</summary>
    public static ConfigNodeReport Silent(Settings settings, string node, string? service, string problem) => new(
        node,
        problem,
        [
            .. settings.Services.Values
                .Where(one => (service is null || one.Name == service) && one.Nodes.Contains(node))
                .SelectMany(one => one.Config.Select(file => new ConfigFileReport(
                    one.Name,
                    new ConfigFileStatus(node, file.Name, file.Source, file.Target, ConfigFileState.Unknown, null, problem, null, [], null),
                    null,
                    null,
                    null))),
        ]);

    /// <summary>The report as it goes to another node: long differences are cut, and say so.</summary>
    public static string Write(ConfigNodeReport report)
    {
        for (var most = MaxDiff; ; most /= 2)
        {
            var cut = report with { Files = [.. report.Files.Select(file => file with { Diff = Cut(file.Diff, most) })] };
            var written = JsonSerializer.SerializeToUtf8Bytes(cut, ApiJson.Default.ConfigNodeReport);
            if (written.Length <= MaxBytes)
            {
                return Encoding.UTF8.GetString(written);
            }

            if (most == 0)
            {
                return JsonSerializer.Serialize(
                    new ConfigNodeReport(report.Node, "has too many config files to tell of all at once; name a service", []), ApiJson.Default.ConfigNodeReport);
            }
        }
    }

    private static ConfigFileStatus StatusOf(string node, ConfigState state) => new(
        node,
        state.Name,
        state.Source,
        state.Target,
        state.Condition switch
        {
            ConfigCondition.Current => ConfigFileState.Current,
            ConfigCondition.Behind => ConfigFileState.Behind,
            ConfigCondition.Drifted => ConfigFileState.Drifted,
            ConfigCondition.Failed => ConfigFileState.Failed,
            _ => ConfigFileState.Unknown,
        },
        Short(state.Version),
        state.Reason,
        state.ActivatedAt?.ToUniversalTime(),
        state.Kept,
        state.Rollout is { } rollout ? RolloutOf(rollout) : null);

    private static ConfigRolloutStatus RolloutOf(RolloutState state)
    {
        var rollout = state.Rollout;
        return new ConfigRolloutStatus(
            state.Number,
            Short(rollout.Version)!,
            Short(state.Good),
            rollout.Failure is not null ? ConfigRolloutState.Stopped : rollout.IsFinished ? ConfigRolloutState.Finished : ConfigRolloutState.Running,
            [.. rollout.Order.Select(node => new ConfigRolloutNode(node, TurnOf(rollout, node)))],
            rollout.Failure is { } failure ? $"{failure.Node}: {failure.Words}" : null);
    }

    private static ConfigTurn TurnOf(RolloutProgress rollout, string node) =>
        node == rollout.Failure?.Node ? ConfigTurn.Failed
        : node == rollout.Running ? ConfigTurn.Running
        : !rollout.Done.TryGetValue(node, out var outcome) ? ConfigTurn.Waiting
        : outcome == NodeOutcome.Passed ? ConfigTurn.Passed
        : ConfigTurn.PassedOver;

    private static string? Short(string? version) => version is null ? null : version[..Math.Min(ShownDigits, version.Length)];

    private static string? Cut(string? diff, int most)
    {
        if (diff is null || diff.Length <= most)
        {
            return diff;
        }

        var end = most == 0 ? 0 : diff.LastIndexOf('\n', most - 1) + 1;
        var left = diff.AsSpan(end).Count('\n');
        return string.Create(CultureInfo.InvariantCulture, $"{diff.AsSpan(0, end)}… {left} more lines: ask on that node\n");
    }
}
