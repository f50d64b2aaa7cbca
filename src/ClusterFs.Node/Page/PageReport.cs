using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace ClusterFs.Node.Page;

/// <summary>All that the status page shows.</summary>
/// <param name="At">When this was put together, by this node's wall clock.</param>
/// <param name="MayAct">Whether a token is configured with which somebody could act.</param>
/// <param name="Nodes">By name: all that are configured, and where their pages are.</param>
/// <param name="Places">By service, the nodes that it may run on, the preferred one first.</param>
/// <param name="Happened">Newest first.</param>
internal sealed record PageReport(
    DateTimeOffset At,
    string Cluster,
    bool MayAct,
    ImmutableSortedDictionary<string, string> Nodes,
    ImmutableSortedDictionary<string, ImmutableArray<string>> Places,
    PageStatus Status,
    ImmutableArray<PageEvent> Happened);

/// <param name="Kind">As <c>history</c> calls it; <c>dump</c> for a dump: see <see cref="RecentDumps"/>.</param>
internal sealed record PageEvent(string Service, DateTimeOffset At, string Kind, string? Node, string Text)
{
    /// <summary>start, failover or move; null where it is none of them.</summary>
    public string? Cause { get; init; }

    public double? DurationSeconds { get; init; }

    public double? LostSeconds { get; init; }

    /// <summary>Without the words of a fence command, or of why something was released or given up, which are not ours: see <see cref="PageStatus.Of"/>.</summary>
    public PageEvent WithoutWords() => Kind is "power-fenced" or "released" or "move-abandoned" && Text.IndexOf(": ", StringComparison.Ordinal) is > 0 and var at
        ? this with { Text = $"{Text[..at]}: see 'clusterfs history'" }
        : this;
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(PageReport))]
internal sealed partial class PageJson : JsonSerializerContext;
