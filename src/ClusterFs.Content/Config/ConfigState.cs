using System.Collections.Immutable;
using ClusterFs.Content.Config.Rollout;

namespace ClusterFs.Content.Config;

/// <summary>How a config file is on a node.</summary>
public enum ConfigCondition
{
    /// <summary>The version in use is the one that should be, and nobody changed anything of it.</summary>
    Current,

    /// <summary>Another version should be in use, and is not yet: its turn has not come, or the roll-out was stopped elsewhere.</summary>
    Behind,

    /// <summary>Somebody changed on this node what ClusterFs had put there.</summary>
    Drifted,

    /// <summary>This node cannot use the version that should be in use, or the source cannot be used at all.</summary>
    Failed,

    /// <summary>What should be in use cannot be told: shared storage is away, or nobody has looked yet.</summary>
    Unknown,
}

/// <summary>One config file on this node, as of the last look.</summary>
/// <param name="Target">What it is included in, linked from or copied to.</param>
/// <param name="Version">The version in use; null while there is none.</param>
/// <param name="Reason">Why it is not current; null when it is.</param>
/// <param name="ActivatedAt">By the node's wall clock; null while there is none in use.</param>
/// <param name="Kept">Paths of what somebody had changed and was kept aside, as long as it lies there.</param>
/// <param name="Rollout">What the nodes know together; null while they know nothing.</param>
public sealed record ConfigState(
    string Service,
    string Name,
    string Source,
    string Target,
    string? Version,
    ConfigCondition Condition,
    string? Reason,
    DateTimeOffset? ActivatedAt,
    ImmutableArray<string> Kept,
    RolloutState? Rollout)
{
    /// <summary>How often another version came into use since the daemon started.</summary>
    public long Uses { get; init; }

    /// <summary>How often one could not since then: its check, its reload or something else refused it.</summary>
    public long Failures { get; init; }
}

/// <summary>What using the source as it is now would change on this node.</summary>
/// <param name="Version">Of the source; null when it cannot be used.</param>
/// <param name="Problem">Why it cannot.</param>
/// <param name="Diff">A unified diff from what is in use to the source; empty when nothing differs.</param>
public sealed record ConfigDifference(string Service, string Name, string? Version, string? Problem, string Diff);

/// <summary>A roll-out that was asked for.</summary>
/// <param name="Number">Of the state that it begins with, or that it has by now; 0 when there is none.</param>
/// <param name="Problem">Why there is none; null when there is.</param>
public sealed record ConfigAsked(string Service, string Name, long Number, string? Problem);

/// <summary>Something that happened to a config file, for the log.</summary>
public enum ConfigNews
{
    Began,
    Used,
    Failed,
    PassedOver,
    Drifted,
    Trouble,
}
