using System.Collections.Immutable;

namespace ClusterFs.Configuration.Binding;

/// <summary>What nodes and services may be called: their names become file names, actor names and arguments.</summary>
internal static class Names
{
    public const string ExpectedForNode = "expected at most 63 letters, digits, '-', '.' and '_', a letter or digit first";

    public const string ExpectedForService = "expected at most 63 lower-case letters, digits and hyphens, a letter or digit first";

    private const int MaxLength = 63;

    public static bool IsNodeName(string name) =>
        name.Length is > 0 and <= MaxLength
        && char.IsAsciiLetterOrDigit(name[0])
        && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.' or '_');

    public static bool IsServiceName(string name) =>
        name.Length is > 0 and <= MaxLength
        && name[0] != '-'
        && name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-');

    /// <summary>Reports names that are no nodes or that come twice.</summary>
    /// <param name="nodes">Null when the nodes themselves are wrong: then nothing can be said.</param>
    /// <param name="others">What may be named beside them.</param>
    public static void CheckNodes(
        Section section,
        string key,
        ImmutableArray<Bound<string>> written,
        string what,
        ImmutableSortedSet<string>? nodes,
        params string[] others)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var name in written)
        {
            if (!seen.Add(name.Value))
            {
                section.Wrong(name.At, key, 0, $"names {name.Value} twice", $"expected every {what} once");
            }
            else if (nodes?.Contains(name.Value) == false && !others.Contains(name.Value, StringComparer.Ordinal))
            {
                section.Wrong(
                    name.At,
                    key,
                    0,
                    $"the {what} {name.Value} is no node{string.Concat(others.Select(other => $", and not {other}"))}",
                    $"{Suggestion.For(name.Value, nodes)}clusterfs.cluster.nodes has {string.Join(", ", nodes)}");
            }
        }
    }
}
