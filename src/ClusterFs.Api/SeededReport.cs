using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace ClusterFs.Api;

/// <summary>One seeded file on one node, as of that node's last look.</summary>
/// <param name="Path">Where it is.</param>
/// <param name="Template">Relative to shared storage.</param>
/// <param name="Reason">Why it is not current; null when it is.</param>
/// <param name="RenderedAt">By that node's wall clock; null when it never was.</param>
/// <param name="RenderedBecause">Why it was rendered then; null when it never was.</param>
/// <param name="Kept">What somebody had changed there and was kept aside, as long as it lies there.</param>
public sealed record SeededFileStatus(
    string Node,
    string Path,
    string Template,
    SeededFileState State,
    string? Reason,
    DateTimeOffset? RenderedAt,
    string? RenderedBecause,
    ImmutableArray<string> Kept);

[JsonConverter(typeof(JsonStringEnumConverter<SeededFileState>))]
public enum SeededFileState
{
    /// <summary>What should be there is there, and whoever reads it was told.</summary>
    [JsonStringEnumMemberName("current")]
    Current,

    /// <summary>Something newer should be there, or was not told of yet.</summary>
    [JsonStringEnumMemberName("stale")]
    Stale,

    /// <summary>Somebody changed it on that node.</summary>
    [JsonStringEnumMemberName("edited")]
    Edited,

    /// <summary>What should be there cannot be told.</summary>
    [JsonStringEnumMemberName("unknown")]
    Unknown,
}

/// <summary>
/// The seeded files of the nodes: the answer to <see cref="ApiRoutes.SeededDiff"/> and <see cref="ApiRoutes.SeededRender"/>.
/// </summary>
/// <param name="Nodes">By name; nodes that did not answer too.</param>
public sealed record SeededReport(ImmutableArray<SeededNodeReport> Nodes);

/// <param name="Node">Which node.</param>
/// <param name="Problem">Why it says nothing; null when it does.</param>
/// <param name="Files">By service and path.</param>
public sealed record SeededNodeReport(string Node, string? Problem, ImmutableArray<SeededFileReport> Files);

/// <param name="Service">Whose file it is.</param>
/// <param name="File">How it is.</param>
/// <param name="Change">Why a rendering would change it, or why it cannot be rendered; null when nothing would change.</param>
/// <param name="Failed">It cannot be rendered, or was not.</param>
/// <param name="Diff">What a rendering would change, as a unified diff; null when nothing, or after a rendering.</param>
public sealed record SeededFileReport(string Service, SeededFileStatus File, string? Change, bool Failed, string? Diff);
