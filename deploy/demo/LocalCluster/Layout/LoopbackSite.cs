using ClusterFs.Demo.Processes;

namespace ClusterFs.Demo.Layout;

/// <summary>All nodes on this machine's loopback addresses, in one directory.</summary>
internal sealed class LoopbackSite : ClusterSite
{
    private readonly Loopback _loopback;

    public LoopbackSite(LocalClusterOptions options)
    {
        Mark = ProcessMark.Unique(options.Name);
        Directory = System.IO.Directory.CreateDirectory(Path.Combine(options.Parent, $"clusterfs-{Mark.Cluster}")).FullName;
        _loopback = Loopback.Choose(options.AddressPrefix, options.Nodes);
    }

    public override ProcessMark Mark { get; }

    public override string Directory { get; }

    public override Ports Ports => _loopback.Ports;

    public override string DatabaseAddress => AddressOf(1);

    public override string Removal => $"rm -rf '{Directory}'";

    public override string AddressOf(int node) => _loopback.AddressOf(node);
}
