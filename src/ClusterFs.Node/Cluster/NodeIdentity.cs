using ClusterFs.Guard;

namespace ClusterFs.Node.Cluster;

/// <summary>Who this node is to the others.</summary>
/// <param name="Tls">Null for clear text between loopback addresses.</param>
internal sealed record NodeIdentity(MutualTls? Tls);
