using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace ClusterFs.Posix.Network;

/// <summary>Ethernet frames by which machines of a link find one another: ARP, and for IPv6 neighbour discovery. Pure.</summary>
internal static class NeighbourFrames
{
    public const ushort ArpKind = 0x0806;
    public const ushort Ipv6Kind = 0x86dd;

    /// <summary>Where in a frame the kind of ICMPv6 message is, and the protocol before it.</summary>
    public const int IcmpAt = EthernetHeader + Ipv6Header;
    public const int ProtocolAt = EthernetHeader + 6;
    public const byte Icmp = 58;
    public const byte AdvertisementMessage = 136;

    private const int EthernetHeader = 14;
    private const int Ipv6Header = 40;
    private const int ArpLength = 28;
    private const int NeighbourMessage = 24;
    private const int HardwareOption = 8;
    private const byte SolicitationMessage = 135;

    public static ushort KindOf(IPAddress address) => address.AddressFamily == AddressFamily.InterNetwork ? ArpKind : Ipv6Kind;

    /// <summary>struct sockaddr_ll: where to is in the frame itself.</summary>
    public static byte[] PlaceOf(NetworkLink link, ushort kind)
    {
        var place = new byte[20];
        BitConverter.TryWriteBytes(place, (ushort)Sockets.Packet);
        BinaryPrimitives.WriteUInt16BigEndian(place.AsSpan(2), kind);
        BitConverter.TryWriteBytes(place.AsSpan(4), link.Index);
        return place;
    }

    public static byte[] Arp(ReadOnlySpan<byte> from, IPAddress fromAddress, ReadOnlySpan<byte> to, IPAddress toAddress, byte operation)
    {
        var frame = new byte[EthernetHeader + ArpLength];
        frame.AsSpan(0, 6).Fill(0xff);
        Head(frame, from, ArpKind);
        var arp = frame.AsSpan(EthernetHeader);
        ReadOnlySpan<byte> kinds = [0, 1, 8, 0, 6, 4, 0, operation];
        kinds.CopyTo(arp);
        from.CopyTo(arp[8..]);
        fromAddress.GetAddressBytes().CopyTo(arp[14..]);
        to.CopyTo(arp[18..]);
        toAddress.GetAddressBytes().CopyTo(arp[24..]);
        return frame;
    }

    /// <summary>Nobody asked for it, and what is known otherwise is wrong.</summary>
    public static byte[] Advertisement(ReadOnlySpan<byte> from, IPAddress address)
    {
        var frame = Neighbour(from, address, IPAddress.Parse("ff02::1"), AdvertisementMessage, address, NeighbourMessage + HardwareOption);
        frame[IcmpAt + 4] = 0x20;
        WriteHardware(frame, kind: 2, from);
        return Sealed(frame);
    }

    /// <summary>Who has an address.</summary>
    /// <param name="inNameOf">An address of whoever asks, who alone is told; null: as by who would like to have it, so that everybody is.</param>
    public static byte[] Question(ReadOnlySpan<byte> from, IPAddress? inNameOf, IPAddress address) =>
        address.AddressFamily == AddressFamily.InterNetwork
            ? Arp(from, inNameOf ?? IPAddress.Any, default, address, operation: 1)
            : Solicitation(from, inNameOf, address);

    /// <summary>Who says in a frame that an address is its own.</summary>
    /// <returns>Null where nobody does.</returns>
    public static (IPAddress Address, byte[] Hardware)? ClaimIn(ReadOnlySpan<byte> frame)
    {
        if (frame.Length < EthernetHeader)
        {
            return null;
        }

        var kind = BinaryPrimitives.ReadUInt16BigEndian(frame[12..]);
        if (kind == ArpKind && frame.Length >= EthernetHeader + ArpLength)
        {
            var arp = frame[EthernetHeader..];
            ReadOnlySpan<byte> ofEthernet = [0, 1, 8, 0, 6, 4];
            var address = arp[14..18];
            return arp.StartsWith(ofEthernet) && address.ContainsAnyExcept((byte)0) ? (new IPAddress(address), arp[8..14].ToArray()) : null;
        }

        return kind == Ipv6Kind && frame.Length >= IcmpAt + NeighbourMessage && frame[ProtocolAt] == Icmp && frame[IcmpAt] == AdvertisementMessage
            ? (new IPAddress(frame.Slice(IcmpAt + 8, 16)), frame[6..12].ToArray())
            : null;
    }

    private static byte[] Solicitation(ReadOnlySpan<byte> from, IPAddress? inNameOf, IPAddress address)
    {
        var group = IPAddress.Parse("ff02::1:ff00:0").GetAddressBytes();
        address.GetAddressBytes().AsSpan(13).CopyTo(group.AsSpan(13));
        if (inNameOf is null)
        {
            return Sealed(Neighbour(from, IPAddress.IPv6Any, new IPAddress(group), SolicitationMessage, address, NeighbourMessage));
        }

        var frame = Neighbour(from, inNameOf, new IPAddress(group), SolicitationMessage, address, NeighbourMessage + HardwareOption);
        WriteHardware(frame, kind: 1, from);
        return Sealed(frame);
    }

    private static void WriteHardware(Span<byte> frame, byte kind, ReadOnlySpan<byte> hardware)
    {
        var option = frame[(IcmpAt + NeighbourMessage)..];
        (option[0], option[1]) = (kind, 1);
        hardware.CopyTo(option[2..]);
    }

    private static byte[] Neighbour(ReadOnlySpan<byte> from, IPAddress source, IPAddress group, byte message, IPAddress target, int length)
    {
        var frame = new byte[IcmpAt + length];
        var groupBytes = group.GetAddressBytes();
        frame[0] = frame[1] = 0x33;
        groupBytes.AsSpan(12).CopyTo(frame.AsSpan(2));
        Head(frame, from, Ipv6Kind);
        var packet = frame.AsSpan(EthernetHeader);
        packet[0] = 0x60;
        BinaryPrimitives.WriteUInt16BigEndian(packet[4..], (ushort)length);
        packet[6] = Icmp;
        packet[7] = 255;
        source.GetAddressBytes().CopyTo(packet[8..]);
        groupBytes.CopyTo(packet[24..]);
        frame[IcmpAt] = message;
        target.GetAddressBytes().CopyTo(frame.AsSpan(IcmpAt + 8));
        return frame;
    }

    private static byte[] Sealed(byte[] frame)
    {
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(IcmpAt + 2), Checksum(frame.AsSpan(EthernetHeader + 8, 32), frame.AsSpan(IcmpAt)));
        return frame;
    }

    private static void Head(Span<byte> frame, ReadOnlySpan<byte> hardware, ushort kind)
    {
        hardware.CopyTo(frame[6..]);
        BinaryPrimitives.WriteUInt16BigEndian(frame[12..], kind);
    }

    private static ushort Checksum(ReadOnlySpan<byte> addresses, ReadOnlySpan<byte> message)
    {
        var sum = (uint)message.Length + Icmp;
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
