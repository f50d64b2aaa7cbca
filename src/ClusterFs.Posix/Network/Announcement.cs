using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace ClusterFs.Posix.Network;

/// <summary>
/// Tells everybody on a link who has an address now, so that nobody goes on sending to who had it before: gratuitous ARP, for IPv6 an
/// unsolicited neighbour advertisement. Needs CAP_NET_RAW.
/// </summary>
public static class Announcement
{
    private const int EthernetHeader = 14;
    private const ushort Arp = 0x0806;
    private const ushort Ipv6 = 0x86dd;

    /// <exception cref="PosixException">The kernel refuses.</exception>
    public static void Send(NetworkLink link, IPAddress address)
    {
        using var socket = Sockets.Open(Sockets.Packet, Sockets.Raw, 0, "packet");
        foreach (var frame in FramesFor(address, link.HardwareAddress.AsSpan()))
        {
            // struct sockaddr_ll: where to is in the frame itself.
            var to = new byte[20];
            BitConverter.TryWriteBytes(to, (ushort)Sockets.Packet);
            frame.AsSpan(12, 2).CopyTo(to.AsSpan(2));
            BitConverter.TryWriteBytes(to.AsSpan(4), link.Index);
            Sockets.Send(socket, frame, "announce", $"{address} on {link.Name}", to);
        }
    }

    /// <summary>For IPv4 a request and a reply: some machines believe only the one, some only the other.</summary>
    public static IReadOnlyList<byte[]> FramesFor(IPAddress address, ReadOnlySpan<byte> hardware) =>
        address.AddressFamily == AddressFamily.InterNetwork
            ? [ArpFrame(address, hardware, operation: 1), ArpFrame(address, hardware, operation: 2)]
            : [NeighbourFrame(address, hardware)];

    private static byte[] ArpFrame(IPAddress address, ReadOnlySpan<byte> hardware, byte operation)
    {
        var frame = new byte[EthernetHeader + 28];
        frame.AsSpan(0, 6).Fill(0xff);
        Head(frame, hardware, Arp);
        var arp = frame.AsSpan(EthernetHeader);
        ReadOnlySpan<byte> kinds = [0, 1, 8, 0, 6, 4, 0, operation];
        kinds.CopyTo(arp);
        var bytes = address.GetAddressBytes();
        hardware.CopyTo(arp[8..]);
        bytes.CopyTo(arp[14..]);
        if (operation == 2)
        {
            hardware.CopyTo(arp[18..]);
        }

        bytes.CopyTo(arp[24..]);
        return frame;
    }

    private static byte[] NeighbourFrame(IPAddress address, ReadOnlySpan<byte> hardware)
    {
        const int header = 40;
        const int length = 32;
        var frame = new byte[EthernetHeader + header + length];
        ReadOnlySpan<byte> allNodesLink = [0x33, 0x33, 0, 0, 0, 1];
        allNodesLink.CopyTo(frame);
        Head(frame, hardware, Ipv6);
        var packet = frame.AsSpan(EthernetHeader);
        packet[0] = 0x60;
        BinaryPrimitives.WriteUInt16BigEndian(packet[4..], length);
        packet[6] = 58;
        packet[7] = 255;
        var bytes = address.GetAddressBytes();
        bytes.CopyTo(packet[8..]);
        IPAddress.Parse("ff02::1").GetAddressBytes().CopyTo(packet[24..]);
        var message = packet[header..];
        message[0] = 136;

        // Override: what is known otherwise is wrong.
        message[4] = 0x20;
        bytes.CopyTo(message[8..]);
        message[24] = 2;
        message[25] = 1;
        hardware.CopyTo(message[26..]);
        BinaryPrimitives.WriteUInt16BigEndian(message[2..], Checksum(packet[8..header], message));
        return frame;
    }

    private static void Head(Span<byte> frame, ReadOnlySpan<byte> hardware, ushort kind)
    {
        hardware.CopyTo(frame[6..]);
        BinaryPrimitives.WriteUInt16BigEndian(frame[12..], kind);
    }

    private static ushort Checksum(ReadOnlySpan<byte> addresses, ReadOnlySpan<byte> message)
    {
        var sum = (uint)message.Length + 58;
        for (var at = 0; at < addresses.Length; at += 2)
        {
            sum += BinaryPrimitives.ReadUInt16BigEndian(addresses[at..]);
        }

        for (var at = 0; at < message.Length; at += 2)
        {
            sum += BinaryPrimitives.ReadUInt16BigEndian(message[at..]);
        }

        while (sum >> 16 != 0)
        {
            sum = (sum & 0xffff) + (sum >> 16);
        }

        return (ushort)~sum;
    }
}
