using ClusterFs.Api;

namespace ClusterFs.Cli.Display;

/// <summary>What is said of config files, a line each.</summary>
internal static class ConfigNotes
{
    /// <summary>What the status says of a service's config files.</summary>
    public static IEnumerable<string> Of(ServiceStatus service)
    {
        if (service.Config.IsDefaultOrEmpty)
        {
            yield break;
        }

        foreach (var file in service.Config.GroupBy(file => file.Name))
        {
            foreach (var version in file.Where(one => one.State == ConfigFileState.Current).GroupBy(one => one.Version))
            {
                yield return $"{service.Name}: config {file.Key} is version {version.Key} on {string.Join(", ", version.Select(one => one.Node))}";
            }

            foreach (var one in file)
            {
                if (one.State != ConfigFileState.Current)
                {
                    yield return $"{service.Name}: config {one.Name} on {one.Node} is {one.State.ToString().ToUpperInvariant()}: {one.Reason}";
                }

                if (!one.Kept.IsDefaultOrEmpty)
                {
                    yield return $"{service.Name}: config {one.Name} on {one.Node}: what was changed there is kept as {string.Join(", ", one.Kept)}; delete what is of no use";
                }
            }
        }
    }

    /// <summary>How the newest roll-outs are, as the node knows that has heard most.</summary>
    public static IEnumerable<string> Rollouts(ConfigReport report)
    {
        foreach (var file in report.Nodes.SelectMany(node => node.Files).GroupBy(file => (file.Service, file.File.Name)))
        {
            if (file.Select(one => one.File.Rollout).OfType<ConfigRolloutStatus>().MaxBy(one => one.Number) is { } rollout)
            {
                var turns = string.Join(", ", rollout.Nodes.Select(node => $"{node.Node} {WordsFor(node.Turn)}"));
                yield return $"{file.Key.Service}: {file.Key.Name}: roll-out of version {rollout.Version} {rollout.State.ToString().ToLowerInvariant()}: {turns}";
            }
        }
    }

    public static string WordsFor(ConfigFileStatus file) =>
        $"{file.State.ToString().ToLowerInvariant()}, {(file.Version is { } version ? $"version {version}" : "no version")}"
        + (file.ActivatedAt is { } at ? $" since {Humane.Time(at)}" : "")
        + (file.Reason is { } reason ? $": {reason}" : "");

    public static string WordsFor(ConfigTurn turn) => turn switch
    {
        ConfigTurn.PassedOver => "passed over",
        ConfigTurn.Running => "at it",
        _ => turn.ToString().ToLowerInvariant(),
    };
}
