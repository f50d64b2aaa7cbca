using System.Collections.Immutable;

namespace ClusterFs.Content.Logs.Reading;

/// <summary>What of a service's logs is wanted.</summary>
public sealed record LogQuery
{
    /// <summary>Nothing older. Null: everything; when following, nothing of what is there.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>Of these nodes alone; empty for all.</summary>
    public ImmutableSortedSet<string> Nodes { get; init; } = [];

    /// <summary>Of logs whose names match this pattern with <c>*</c> and <c>?</c>; null for all.</summary>
    public string? Log { get; init; }

    /// <summary>Lines that match this regular expression, with the unstamped lines around; null for all.</summary>
    public string? Grep { get; init; }

    /// <summary>Whether to go on with what is written from now on.</summary>
    public bool Follow { get; init; }

    internal bool Wants(FoundLog log) =>
        (Nodes.IsEmpty || Nodes.Contains(log.Node))
        && (Log is null || System.IO.Enumeration.FileSystemName.MatchesSimpleExpression(Log, Path.GetFileName(log.Name), ignoreCase: false));
}

/// <summary>How lines are written.</summary>
/// <param name="WithNames">Each after its node and log.</param>
/// <param name="ForTerminal">What would command a terminal is made visible.</param>
/// <param name="Json">An object for each line instead.</param>
public readonly record struct LogFormat(bool WithNames, bool ForTerminal, bool Json);
