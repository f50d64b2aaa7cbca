using System.Net;
using System.Net.Sockets;

namespace ClusterFs.Posix.Network;

/// <summary>
/// Tells everybody on a link who has an address now, so that nobody goes on sending to who had it before: gratuitous ARP, for IPv6 an
/// unsolicited neighbour advertisement. Needs CAP_NET_RAW.
/// </summary>
public static class Announcement
{
    /// <exception cref="PosixException">The kernel refuses.</exception>
    public static void Send(NetworkLink link, IPAddress address)
    {
        using var socket = Sockets.Open(Sockets.Packet, Sockets.Raw, 0, "packet");
        foreach (var frame in FramesFor(address, link.HardwareAddress.AsSpan()))
        {
            Sockets.Send(socket, frame, "announce", $"{address} on {link.Name}", NeighbourFrames.PlaceOf(link, NeighbourFrames.KindOf(address)));
        }
    }

    /// <summary>For IPv4 a request and a reply: some machines believe only the one, some only the other.</summary>
    public static IReadOnlyList<byte[]> FramesFor(IPAddress address, ReadOnlySpan<byte> hardware) =>
        address.AddressFamily == AddressFamily.InterNetwork
            ? [NeighbourFrames.Arp(hardware, address, default, address, operation: 1), NeighbourFrames.Arp(hardware, address, hardware, address, operation: 2)]
            : [NeighbourFrames.Advertisement(hardware, address)];
}
