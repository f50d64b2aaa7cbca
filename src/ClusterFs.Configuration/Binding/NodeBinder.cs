using System.Text;

namespace ClusterFs.Configuration.Binding;

/// <summary><c>clusterfs.node</c>: this node.</summary>
internal static class NodeBinder
{
    public const string DefaultStateDirectory = "/var/lib/clusterfs";

    private const string DefaultSocket = "/run/clusterfs/clusterfs.sock";

    /// <summary>What a Unix socket's address has room for.</summary>
    private const int MaxSocketLength = 107;

    public static NodeSettings Bind(Section section, ClusterSettings cluster)
    {
        var name = section.RequiredText("name", "expected the name of this node, one of clusterfs.cluster.nodes");
        var known = name.Valid && cluster.Nodes.ContainsKey(name.Value);
        if (name.Valid && !known && !cluster.Nodes.IsEmpty)
        {
            section.Wrong(
                name.At,
                "name",
                "",
                $"'{name.Value}' is no node of the cluster",
                $"{Suggestion.For(name.Value, cluster.Nodes.Keys)}clusterfs.cluster.nodes has {string.Join(", ", cluster.Nodes.Keys)}");
        }

        var address = BindAddress(section, known ? cluster.Nodes[name.Value] : "", name.Value);
        var state = Paths.Optional(section, "state-dir", DefaultStateDirectory);
        if (state.Valid && File.Exists(state.Value))
        {
            section.Wrong(state.At, "state-dir", "", $"{state.Value} is no directory", "expected a directory, or a path that is free");
        }

        var socket = Paths.Optional(section, "socket", DefaultSocket);
        var node = new NodeSettings(name.Value, address, state.Value, socket.Valid ? socket.Value : DefaultSocket);
        var longest = Math.Max(Encoding.UTF8.GetByteCount(node.Socket), Encoding.UTF8.GetByteCount(node.GuardSocket));
        if (socket.Valid && longest > MaxSocketLength)
        {
            section.Wrong(
                socket.At, "socket", "", $"a socket's path of {longest} bytes is too long", $"expected at most {MaxSocketLength} bytes");
        }
        else if (socket.Valid && node.Socket == node.GuardSocket)
        {
            section.Wrong(socket.At, "socket", "", $"{node.Socket} is the guard's own socket", "expected another name in that directory");
        }

        section.Finish();
        return node;
    }

    private static string BindAddress(Section section, string fromCluster, string name)
    {
        var address = section.Text("address");
        if (!address.Valid || address.Value is null)
        {
            return fromCluster;
        }

        if (Addresses.Normalize(address.Value) is not { } normal)
        {
            section.Wrong(address.At, "address", "", $"'{address.Value}' is no IP address", "expected one such as 127.0.0.1");
            return fromCluster;
        }

        if (fromCluster.Length > 0 && normal != fromCluster)
        {
            section.Wrong(
                address.At,
                "address",
                "",
                $"{normal} is not the address of {name} in clusterfs.cluster.nodes, {fromCluster}",
                "expected the same; it may be left out here");
        }

        return normal;
    }
}
