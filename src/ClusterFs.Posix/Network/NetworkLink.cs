using System.Collections.Immutable;

namespace ClusterFs.Posix.Network;

/// <summary>A network interface, as it is at a moment.</summary>
/// <param name="Index">The kernel's number for it; a link that is made anew has another.</param>
/// <param name="HardwareAddress">Six bytes where it is Ethernet, or looks like it; else empty.</param>
public sealed record NetworkLink(int Index, string Name, bool IsLoopback, bool IsUp, ImmutableArray<byte> HardwareAddress)
{
    public bool IsEthernet => HardwareAddress.Length == 6 && !IsLoopback;
}
