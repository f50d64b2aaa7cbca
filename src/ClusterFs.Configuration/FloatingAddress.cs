using System.Net;

namespace ClusterFs.Configuration;

/// <summary>An address that is on the node that runs a service, and on no other.</summary>
/// <param name="PrefixLength">Of the network that it is in: 1 to 32, or to 128.</param>
/// <param name="Interface">Where it is put on; null: on the interface that has an address of the same network.</param>
public sealed record FloatingAddress(IPAddress Address, int PrefixLength, string? Interface)
{
    /// <summary>As it is written in the configuration: <c>10.0.0.50/24</c>.</summary>
    public override string ToString() => $"{Address}/{PrefixLength}";
}
