using System.Collections.Immutable;

namespace ClusterFs.Content.Seeded;

/// <summary>How a seeded file is.</summary>
public enum SeededCondition
{
    /// <summary>What should be there is there, and whoever reads it was told.</summary>
    Current,

    /// <summary>Something newer should be there, or was not told of yet.</summary>
    Stale,

    /// <summary>Somebody changed it on this node.</summary>
    Edited,

    /// <summary>What should be there cannot be told: shared storage is away, or nobody has looked yet.</summary>
    Unknown,
}

/// <summary>One seeded file, as of the last look.</summary>
/// <param name="Reason">Why it is not current; null when it is.</param>
/// <param name="RenderedAt">By the node's wall clock; null when it never was.</param>
/// <param name="RenderedBecause">Why it was rendered then.</param>
/// <param name="Kept">Paths of what somebody had changed and was kept aside, as long as it lies there.</param>
public sealed record SeededState(
    string Service,
    string File,
    string Template,
    SeededCondition Condition,
    string? Reason,
    DateTimeOffset? RenderedAt,
    string? RenderedBecause,
    ImmutableArray<string> Kept)
{
    /// <summary>How often it was rendered since the daemon started.</summary>
    public long Renderings { get; init; }

    /// <summary>Problems since then: of its template, its check, its place, its reload. One that stays is one.</summary>
    public long Failures { get; init; }
}

/// <summary>What a rendering would change in one file.</summary>
/// <param name="Reason">Why it would, or why it cannot; null when nothing would change.</param>
/// <param name="Failed">It cannot be rendered.</param>
/// <param name="Diff">A unified diff from what is there to what would be; empty when only owner or mode differ, or nothing.</param>
public sealed record SeededDifference(string Service, string File, string? Reason, bool Failed, string Diff);

/// <summary>Something that may take long, or for ever.</summary>
/// <param name="What">In words.</param>
/// <param name="Since">By the clock's time stamps.</param>
public sealed record SeededWait(string What, long Since);

/// <summary>Something that happened to a seeded file, for the log.</summary>
public enum SeededNews
{
    Rendered,
    Kept,
    Reloaded,
    Failed,
}
