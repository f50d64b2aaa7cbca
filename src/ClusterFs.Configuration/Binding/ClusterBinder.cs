using System.Collections.Immutable;
using ClusterFs.Configuration.Hocon;

namespace ClusterFs.Configuration.Binding;

/// <summary><c>clusterfs.cluster</c>: nodes, voters, ports.</summary>
internal static class ClusterBinder
{
    private const int MaxNodes = 9;

    /// <summary>The voter in the journal's database; a node of that name would be taken for it.</summary>
    private const string SqlVoter = "sql";

    /// <param name="encrypted">Nodes may be on other machines only then.</param>
    public static ClusterSettings Bind(Section section, bool encrypted)
    {
        var name = section.Text("name");
        if (name is { Valid: true, Value: not null } && !Names.IsNodeName(name.Value))
        {
            section.Wrong(name.At, "name", 0, $"'{name.Value}' is no name", Names.ExpectedForNode);
        }

        var port = section.Integer("port", 4053, min: 1, max: 65535);
        var guardPort = section.Integer("guard-port", 4054, min: 1, max: 65535);
        var httpPort = section.Integer("http-port", 4080, min: 1, max: 65535);
        CheckPorts(section, [port, guardPort, httpPort]);
        var (nodes, nodesValid) = BindNodes(section, encrypted);
        var voters = BindVoters(section, nodes, nodesValid);
        section.Finish();
        return new ClusterSettings(name.Value ?? "clusterfs", port.Value, guardPort.Value, httpPort.Value, nodes, voters);
    }

    private static void CheckPorts(Section section, ImmutableArray<Bound<int>> ports)
    {
        for (var i = 1; i < ports.Length; i++)
        {
            var (port, taken) = (ports[i], ports[..i].Where(other => other.Value == ports[i].Value).ToList());
            if (port.Valid && taken.Count > 0 && taken[0].Valid)
            {
                section.Wrong(port.At, LastOf(port.Key), 0, $"{port.Value} is also {taken[0].Key}", "expected a port of its own");
            }
        }
    }

    private static (ImmutableSortedDictionary<string, string> Nodes, bool Valid) BindNodes(Section cluster, bool encrypted)
    {
        var section = cluster.Child("nodes");
        var nodes = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        var valid = section.Valid;
        foreach (var (name, setAt) in section.Names)
        {
            var address = BindAddress(section, name, setAt, encrypted);
            if (address.Valid && nodes.FirstOrDefault(node => node.Value == address.Value) is { Key: { } other })
            {
                section.Wrong(
                    address.At,
                    name,
                    "",
                    $"{address.Value} is already the address of {other}",
                    "expected an address of its own for every node");
                valid = false;
            }

            // A node whose address is wrong is still a node: its name is known to voters and services.
            nodes[name] = address.Value;
            valid &= address.Valid;
        }

        if (section.Valid && nodes.Count is 0 or > MaxNodes)
        {
            section.Wrong($"names {nodes.Count} nodes", $"expected 1 to {MaxNodes}: nodes {{ n1 = ADDRESS, … }}");
        }

        section.Finish();
        return (nodes.ToImmutable(), section.Valid && nodes.Count > 0);
    }

    private static Bound<string> BindAddress(Section section, string name, ImmutableArray<Place> setAt, bool encrypted)
    {
        var text = section.NamedText(name);
        var address = new Bound<string>(text.Value ?? "", text.At, text.Key, text.Valid);
        if (setAt.Length > 1)
        {
            // HOCON would let the later one win without a word, and one of two machines would be left out.
            address = section.Wrong(
                setAt[^1],
                name,
                "",
                $"two nodes have the name {name}, the other one at {setAt[0]}",
                "expected a name of its own for every node");
        }

        if (!Names.IsNodeName(name) || name == SqlVoter)
        {
            section.Wrong(text.At, name, "", $"'{name}' cannot be the name of a node", Names.ExpectedForNode + $", and not {SqlVoter}");
        }

        if (!address.Valid)
        {
            return address;
        }

        if (Addresses.Normalize(address.Value) is not { } normal)
        {
            return section.Wrong(text.At, name, "", $"'{text.Value}' is no IP address", "expected one such as 127.0.0.1");
        }

        return Addresses.IsElsewhere(normal) && !encrypted
            ? section.Wrong(
                text.At,
                name,
                normal,
                $"{normal} is not a loopback address, and without clusterfs.tls nodes talk in clear text",
                "expected clusterfs.tls, or loopback addresses only (127.0.0.1, 127.0.0.2, …)")
            : address with { Value = normal };
    }

    private static ImmutableSortedSet<string> BindVoters(Section section, ImmutableSortedDictionary<string, string> nodes, bool nodesValid)
    {
        var all = nodes.Keys.ToImmutableSortedSet(StringComparer.Ordinal);
        var written = section.Texts("voters");
        if (written.Value is not { } voters)
        {
            // Half of an even number is no majority: the database breaks the tie.
            return all.Count % 2 == 0 ? all.Add(SqlVoter) : all;
        }

        if (voters.IsEmpty)
        {
            section.Wrong(written.At, "voters", 0, "is empty", "expected names of nodes; leave it out to let all nodes vote");
        }

        Names.CheckNodes(section, "voters", voters, "voter", nodesValid ? all : null, SqlVoter);
        return voters.Select(voter => voter.Value).ToImmutableSortedSet(StringComparer.Ordinal);
    }

    private static string LastOf(string key) => key[(key.LastIndexOf('.') + 1)..];
}
