using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace ClusterFs.Api;

/// <summary>One config file on one node, as of that node's last look.</summary>
/// <param name="Name">As in <c>services.SERVICE.config.NAME</c>.</param>
/// <param name="Source">Relative to shared storage.</param>
/// <param name="Target">What it is included in, linked from or copied to.</param>
/// <param name="Version">The version in use there: the first digits of its digest; null while there is none.</param>
/// <param name="Reason">Why it is not current, with what the check printed; null when it is.</param>
/// <param name="ActivatedAt">By that node's wall clock; null while there is none in use.</param>
/// <param name="Kept">What somebody had changed there and was kept aside, as long as it lies there.</param>
/// <param name="Rollout">The newest roll-out, as that node knows it; null while there was none.</param>
public sealed record ConfigFileStatus(
    string Node,
    string Name,
    string Source,
    string Target,
    ConfigFileState State,
    string? Version,
    string? Reason,
    DateTimeOffset? ActivatedAt,
    ImmutableArray<string> Kept,
    ConfigRolloutStatus? Rollout);

[JsonConverter(typeof(JsonStringEnumConverter<ConfigFileState>))]
public enum ConfigFileState
{
    /// <summary>The version in use is the one that should be, and nobody changed anything of it.</summary>
    [JsonStringEnumMemberName("current")]
    Current,

    /// <summary>Another version should be in use, and is not yet.</summary>
    [JsonStringEnumMemberName("behind")]
    Behind,

    /// <summary>Somebody changed on that node what ClusterFs had put there.</summary>
    [JsonStringEnumMemberName("drifted")]
    Drifted,

    /// <summary>That node cannot use the version that should be in use.</summary>
    [JsonStringEnumMemberName("failed")]
    Failed,

    /// <summary>What should be in use cannot be told.</summary>
    [JsonStringEnumMemberName("unknown")]
    Unknown,
}

/// <summary>One version on its way from node to node.</summary>
/// <param name="Number">Grows with every step of it.</param>
/// <param name="Version">The first digits of its digest.</param>
/// <param name="Good">The last version that has passed on all nodes; null while none has.</param>
/// <param name="Nodes">In turn.</param>
/// <param name="Problem">Why it was stopped, with what the check printed; null when it was not.</param>
public sealed record ConfigRolloutStatus(
    long Number, string Version, string? Good, ConfigRolloutState State, ImmutableArray<ConfigRolloutNode> Nodes, string? Problem);

[JsonConverter(typeof(JsonStringEnumConverter<ConfigRolloutState>))]
public enum ConfigRolloutState
{
    /// <summary>Some nodes have not had their turn.</summary>
    [JsonStringEnumMemberName("running")]
    Running,

    /// <summary>All nodes have it, save those that were away.</summary>
    [JsonStringEnumMemberName("finished")]
    Finished,

    /// <summary>A node refused it; the nodes after that one do not get it.</summary>
    [JsonStringEnumMemberName("stopped")]
    Stopped,
}

public sealed record ConfigRolloutNode(string Node, ConfigTurn Turn);

[JsonConverter(typeof(JsonStringEnumConverter<ConfigTurn>))]
public enum ConfigTurn
{
    /// <summary>Its turn has not come.</summary>
    [JsonStringEnumMemberName("waiting")]
    Waiting,

    /// <summary>It is at it.</summary>
    [JsonStringEnumMemberName("running")]
    Running,

    /// <summary>It uses the version.</summary>
    [JsonStringEnumMemberName("passed")]
    Passed,

    /// <summary>It was away, and takes the version when it is back.</summary>
    [JsonStringEnumMemberName("passed-over")]
    PassedOver,

    /// <summary>It refused the version, and has the one before.</summary>
    [JsonStringEnumMemberName("failed")]
    Failed,
}

/// <summary>The config files of the nodes: the answer to <see cref="ApiRoutes.Config"/> and <see cref="ApiRoutes.ConfigDiff"/>.</summary>
/// <param name="Nodes">By name; nodes that did not answer too.</param>
public sealed record ConfigReport(ImmutableArray<ConfigNodeReport> Nodes);

/// <param name="Node">Which node.</param>
/// <param name="Problem">Why it says nothing; null when it does.</param>
/// <param name="Files">By service and name.</param>
public sealed record ConfigNodeReport(string Node, string? Problem, ImmutableArray<ConfigFileReport> Files);

/// <param name="Service">Whose config file it is.</param>
/// <param name="File">How it is.</param>
/// <param name="SourceVersion">What lies on shared storage; null when it was not asked for or cannot be used.</param>
/// <param name="Problem">Why the source cannot be used; null when it can, or was not asked for.</param>
/// <param name="Diff">From what is in use to the source, as a unified diff; null when nothing differs, or it was not asked for.</param>
public sealed record ConfigFileReport(string Service, ConfigFileStatus File, string? SourceVersion, string? Problem, string? Diff);

/// <summary>The roll-outs that were asked for: the answer to <see cref="ApiRoutes.ConfigApply"/>. How they go on is seen by <see cref="ApiRoutes.Config"/>.</summary>
public sealed record ConfigApplyReport(ImmutableArray<ConfigApplied> Files);

/// <param name="Number">Of the roll-out's first step; 0 where there is none.</param>
/// <param name="Problem">Why there is none; null when there is.</param>
public sealed record ConfigApplied(string Service, string Name, long Number, string? Problem);
