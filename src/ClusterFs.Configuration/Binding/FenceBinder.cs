using System.Collections.Immutable;

namespace ClusterFs.Configuration.Binding;

/// <summary><c>clusterfs.fence</c>: the command that cuts a node's power.</summary>
internal static class FenceBinder
{
    private static readonly ImmutableDictionary<string, FenceAction> Actions = ImmutableDictionary.CreateRange(
        StringComparer.Ordinal, [KeyValuePair.Create("off", FenceAction.Off), KeyValuePair.Create("reboot", FenceAction.Reboot)]);

    /// <returns>Null where there is none.</returns>
    public static FenceSettings? Bind(Section section, ClusterSettings cluster)
    {
        // Asked for also where there is none: what is never asked for is unknown.
        var command = section.IsWritten
            ? Paths.Required(section, "command", "expected a fence agent, an absolute path")
            : Paths.Optional(section, "command", "");
        var action = section.Choice("action", FenceAction.Reboot, Actions);
        var timeout = section.Duration("timeout", TimeSpan.FromSeconds(30), min: TimeSpan.FromSeconds(1), max: TimeSpan.FromMinutes(10));
        var nodes = BindNodes(section.Child("nodes"), cluster);
        section.Finish();
        return section.IsWritten ? new FenceSettings(command.Value, action.Value, timeout.Value, nodes) : null;
    }

    private static ImmutableSortedDictionary<string, ImmutableSortedDictionary<string, string>> BindNodes(Section section, ClusterSettings cluster)
    {
        var nodes = ImmutableSortedDictionary.CreateBuilder<string, ImmutableSortedDictionary<string, string>>(StringComparer.Ordinal);
        foreach (var (node, _) in section.Names)
        {
            var written = section.NamedChild(node);
            if (!cluster.Nodes.ContainsKey(node))
            {
                written.Wrong(
                    $"there is no node {node}",
                    $"{Suggestion.For(node, cluster.Nodes.Keys)}clusterfs.cluster.nodes has {string.Join(", ", cluster.Nodes.Keys)}");
            }

            nodes[node] = BindOptions(written);
        }

        section.Finish();
        return nodes.ToImmutable();
    }

    private static ImmutableSortedDictionary<string, string> BindOptions(Section section)
    {
        var options = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        foreach (var (name, _) in section.Names)
        {
            var value = section.NamedText(name);
            if (value is { Valid: true, Value: { } text })
            {
                if (name is "action" or "nodename" || (name + text).AsSpan().ContainsAny('\n', '\0'))
                {
                    section.Wrong(value.At, name, 0, "cannot be set here", "expected an option of the fence agent, on one line; action is set above");
                }

                options[name] = text;
            }
        }

        section.Finish();
        return options.ToImmutable();
    }
}
