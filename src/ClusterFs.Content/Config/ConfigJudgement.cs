using ClusterFs.Content.Config.Rollout;
using ClusterFs.Content.Placing;

namespace ClusterFs.Content.Config;

/// <summary>How a config file is on this node, and why, by what the nodes know together and what lies here.</summary>
internal static class ConfigJudgement
{
    /// <param name="source">The version of the source, where it may be used.</param>
    /// <param name="trouble">Why nothing goes on.</param>
    /// <param name="waits">What is waited for.</param>
    /// <param name="away">Why shared storage does not answer; null when it does.</param>
    public static (ConfigCondition Condition, string? Reason) Of(ConfigFile file, RolloutState? state, string? source, string? trouble, string? waits, string? away)
    {
        var record = file.Record;
        var drift = DriftOf(file);
        var isDone = record.Active is not null && record.Active == state?.Rollout.Version;
        if (record.Failed is { } failed && state is not null
            && (failed.Version == state.Rollout.Version ? !isDone || failed.Rollout == state.Rollout.Began : failed.Version == state.Good && !isDone))
        {
            // First: with an edited copy, the version in use may be the very one that was refused.
            return (ConfigCondition.Failed, drift is null ? failed.Words : $"{failed.Words}; and {drift}");
        }

        if (drift is not null)
        {
            return (ConfigCondition.Drifted, $"{drift}; nothing overwrites that until the next version, or `clusterfs config apply`");
        }

        if (away is not null)
        {
            return (ConfigCondition.Unknown, away);
        }

        if (trouble is not null)
        {
            return (ConfigCondition.Failed, trouble);
        }

        if (state is null || (isDone && source is null))
        {
            return (ConfigCondition.Behind, "the source has just changed, or nobody knows yet whether it has; it is used once it has stayed as it is");
        }

        var rollout = state.Rollout;
        if (isDone)
        {
            return source == rollout.Version
                ? (ConfigCondition.Current, null)
                : (ConfigCondition.Behind, $"another version lies on shared storage than the one that was rolled out last, {LocalVersions.Short(source)}; it is used unless that changes soon");
        }

        return rollout.Failure is { } failure
            ? (ConfigCondition.Behind, $"the roll-out of version {LocalVersions.Short(rollout.Version)} stopped at {failure.Node}: {failure.Words}")
            : (ConfigCondition.Behind, $"version {LocalVersions.Short(rollout.Version)} is on its way{(waits is null ? "" : $": {waits}")}");
    }

    /// <returns>In words; null when nothing has drifted.</returns>
    private static string? DriftOf(ConfigFile file)
    {
        try
        {
            var drift = file.Drift();
            return drift.IsEmpty ? null : string.Join("; ", drift);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException or PlacingException)
        {
            return problem.Message;
        }
    }
}
