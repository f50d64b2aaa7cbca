using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace ClusterFs.Api;

/// <summary>One static content on one node, as of that node's last look.</summary>
/// <param name="Name">Of the content, within its service.</param>
/// <param name="Path">What is served.</param>
/// <param name="Cache">none or local.</param>
/// <param name="Generation">What is served; 0 for nothing.</param>
/// <param name="Newest">The newest that the node has seen; 0 for none.</param>
/// <param name="SwitchedAt">When it switched to what it serves, by that node's wall clock; null where it serves nothing.</param>
/// <param name="PublishedAt">When that was published, by the publishing node's wall clock; null where that is not known.</param>
/// <param name="SeenSecondsAgo">Since it last looked at shared storage with success; null for never since its daemon started.</param>
/// <param name="Reason">Why it is not current; null when it is.</param>
/// <param name="LocalBytes">Of the files that are served from the node's own disk.</param>
/// <param name="SharedBytes">Of those that are served from shared storage.</param>
/// <param name="Kept">What was in the place of the link and was kept, as long as it is there.</param>
public sealed record StaticStatus(
    string Node,
    string Name,
    string Path,
    string Cache,
    StaticContentState State,
    long Generation,
    long Newest,
    DateTimeOffset? SwitchedAt,
    DateTimeOffset? PublishedAt,
    double? SeenSecondsAgo,
    string? Reason,
    long LocalBytes,
    long SharedBytes,
    ImmutableArray<string> Kept);

[JsonConverter(typeof(JsonStringEnumConverter<StaticContentState>))]
public enum StaticContentState
{
    /// <summary>The newest generation is served.</summary>
    [JsonStringEnumMemberName("current")]
    Current,

    /// <summary>A newer one is being prepared, or waits for other nodes.</summary>
    [JsonStringEnumMemberName("behind")]
    Behind,

    /// <summary>A newer one cannot be served there.</summary>
    [JsonStringEnumMemberName("failed")]
    Failed,

    /// <summary>What the newest is cannot be told; what is served is served on.</summary>
    [JsonStringEnumMemberName("unknown")]
    Unknown,

    /// <summary>Nothing was published yet.</summary>
    [JsonStringEnumMemberName("empty")]
    Empty,
}

/// <summary>The static contents of the nodes: the answer to <see cref="ApiRoutes.StaticSwitch"/>.</summary>
/// <param name="Nodes">By name; nodes that did not answer too.</param>
public sealed record StaticReport(ImmutableArray<StaticNodeReport> Nodes);

/// <param name="Problem">Why it says nothing; null when it does.</param>
/// <param name="Contents">By service and name.</param>
public sealed record StaticNodeReport(string Node, string? Problem, ImmutableArray<StaticContentReport> Contents);

/// <param name="Service">Whose content it is.</param>
public sealed record StaticContentReport(string Service, StaticStatus Content);
