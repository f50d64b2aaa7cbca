using System.Collections.Immutable;

namespace ClusterFs.Content.Static;

/// <summary>How static content is on this node.</summary>
public enum StaticCondition
{
    /// <summary>The newest generation is served.</summary>
    Current,

    /// <summary>A newer one is being prepared, or waits for other nodes.</summary>
    Behind,

    /// <summary>A newer one cannot be served here.</summary>
    Failed,

    /// <summary>What the newest is cannot be told: shared storage is away, or nobody has looked yet. What is served is served on.</summary>
    Unknown,

    /// <summary>Nothing was published yet.</summary>
    Empty,
}

/// <summary>One static content on this node, as of the last look.</summary>
/// <param name="Current">The generation that is served; 0 for none.</param>
/// <param name="Head">The newest that was seen; 0 for none.</param>
/// <param name="Since">When this node switched to it, by its wall clock; null where it serves none.</param>
/// <param name="PublishedAt">When that was published, by the publishing node's wall clock; null where that is not known.</param>
/// <param name="SeenAgo">How long ago shared storage was last looked at with success; null for never since the daemon started.</param>
/// <param name="Reason">Why it is not current; null when it is.</param>
/// <param name="LocalBytes">Of the files that are served from this node's disk.</param>
/// <param name="SharedBytes">Of those that are served from shared storage.</param>
/// <param name="Kept">Directories that were in the place of the link, as long as they are there.</param>
public sealed record StaticState(
    string Service,
    string Name,
    string Path,
    StaticCondition Condition,
    long Current,
    long Head,
    DateTimeOffset? Since,
    DateTimeOffset? PublishedAt,
    TimeSpan? SeenAgo,
    string? Reason,
    long LocalBytes,
    long SharedBytes,
    ImmutableArray<string> Kept)
{
    /// <summary>How often this node has switched since its daemon started.</summary>
    public long Switches { get; init; }
}

/// <summary>Something that happened to static content, for the log.</summary>
public enum StaticNews
{
    Prepared,
    Switched,
    Failed,
}
