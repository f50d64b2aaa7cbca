using System.Collections.Immutable;

namespace ClusterFs.Configuration.Binding;

/// <summary><c>clusterfs.seeded</c>: what all seeded files are rendered with.</summary>
internal static class SeedingBinder
{
    private const int MaxLength = 63;
    private const string Variables = "variables";

    private static readonly ImmutableArray<string> Given =
        [SeedingSettings.HostName, SeedingSettings.Node, SeedingSettings.Address, SeedingSettings.Service];

    public static SeedingSettings Bind(Section section, ClusterSettings cluster)
    {
        var every = section.Duration(
            "poll-every", SeedingSettings.DefaultPollEvery, min: TimeSpan.FromMilliseconds(100), max: TimeSpan.FromHours(1));
        var variables = BindVariables(section.Child(Variables));
        var nodes = ImmutableSortedDictionary.CreateBuilder<string, ImmutableSortedDictionary<string, string>>(StringComparer.Ordinal);
        var byNode = section.Child("nodes");
        foreach (var (name, _) in byNode.Names)
        {
            var node = byNode.NamedChild(name);
            if (!cluster.Nodes.IsEmpty && !cluster.Nodes.ContainsKey(name))
            {
                node.Wrong(
                    $"there is no node {name}",
                    $"{Suggestion.For(name, cluster.Nodes.Keys)}clusterfs.cluster.nodes has {string.Join(", ", cluster.Nodes.Keys)}");
            }

            nodes[name] = BindVariables(node, overridden: variables);
        }

        byNode.Finish();
        section.Finish();
        return new SeedingSettings(every.Value, variables, nodes.ToImmutable());
    }

    /// <param name="overridden">What a node may give another value: a mistyped name would otherwise change nothing, and nobody would see it.</param>
    private static ImmutableSortedDictionary<string, string> BindVariables(
        Section section, ImmutableSortedDictionary<string, string>? overridden = null)
    {
        var variables = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        foreach (var (name, setAt) in section.Names)
        {
            var value = section.NamedText(name);
            if (!IsName(name))
            {
                section.Wrong(setAt[^1], name, "", "cannot be a name in a template", $"expected at most {MaxLength} capital letters, digits and '_', a letter first");
            }
            else if (Given.Contains(name))
            {
                section.Wrong(setAt[^1], name, "", "is given by ClusterFs in every template", "expected another name");
            }
            else if (overridden?.ContainsKey(name) == false)
            {
                var known = overridden.IsEmpty ? "there are none" : $"it has {string.Join(", ", overridden.Keys)}";
                section.Wrong(
                    setAt[^1],
                    name,
                    "",
                    $"gives another value to what is no name in clusterfs.seeded.{Variables}",
                    $"{Suggestion.For(name, overridden.Keys)}{known}");
            }

            variables[name] = value.Value ?? "";
        }

        section.Finish();
        return variables.ToImmutable();
    }

    private static bool IsName(string name) =>
        name.Length is > 0 and <= MaxLength
        && char.IsAsciiLetterUpper(name[0])
        && name.All(c => char.IsAsciiLetterUpper(c) || char.IsAsciiDigit(c) || c == '_');
}
