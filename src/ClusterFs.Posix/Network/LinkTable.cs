using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;

namespace ClusterFs.Posix.Network;

/// <summary>
/// The links and addresses of this network namespace: read, and addresses put on and taken off. Each call speaks to the kernel directly and
/// waits for nothing but the kernel's own lock, which is held for long only where the kernel itself is in trouble. Thread-safe.
/// </summary>
public sealed record LinkTable(ImmutableArray<NetworkLink> Links, ImmutableArray<LinkAddress> Addresses)
{
    private const ushort ReadLink = 18;
    private const ushort NewLink = 16;
    private const ushort NewAddress = 20;
    private const ushort DeleteAddress = 21;
    private const ushort ReadAddress = 22;

    private const byte Inet = 2;
    private const byte Inet6 = 10;

    private const ushort LinkAddressAttribute = 1;
    private const ushort LinkNameAttribute = 3;
    private const ushort PeerAttribute = 1;
    private const ushort LocalAttribute = 2;
    private const ushort BroadcastAttribute = 4;
    private const ushort LifetimeAttribute = 6;
    private const ushort FlagsAttribute = 8;
    private const ushort ProtocolAttribute = 11;

    private const uint LinkUp = 0x1;
    private const uint LinkLoopback = 0x8;
    private const ushort LinkIsEthernet = 1;
    private const uint FlagNoDetection = 0x02;
    private const uint FlagPermanent = 0x80;
    private const uint FlagNoPrefixRoute = 0x200;

    /// <summary>Since when the kernel remembers who put an address on.</summary>
    public static bool RemembersProtocol => Environment.OSVersion.Version >= new Version(5, 18);

    /// <exception cref="PosixException">The kernel refuses.</exception>
    public static LinkTable Read()
    {
        using var kernel = new RouteSocket();
        var links = kernel.Read(new RouteMessage(ReadLink, RouteSocket.Request | RouteSocket.Dump, new byte[16]), "read links")
            .Where(one => one.Type == NewLink && one.Body.Length >= 16).Select(one => ToLink(one.Body.Span));
        var addresses = kernel.Read(new RouteMessage(ReadAddress, RouteSocket.Request | RouteSocket.Dump, new byte[8]), "read addresses")
            .Where(one => one.Type == NewAddress && one.Body.Length >= 8).Select(one => ToAddress(one.Body.Span)).OfType<LinkAddress>();
        return new LinkTable([.. links], [.. addresses]);
    }

    /// <summary>
    /// Puts an address on a link, or gives one that is there a new end. It is usable at once: whoever calls this knows that nobody else has it.
    /// </summary>
    /// <param name="lifetime">In whole seconds, 1 at least; then the kernel takes it off by itself, up to 1.25 s late.</param>
    /// <param name="protocol">Says who put it on, to whoever asks the kernel.</param>
    /// <param name="bringsRoute">A route to its network comes with it, from it; else the link has one from another address.</param>
    /// <exception cref="PosixException">The kernel refuses.</exception>
    public static void Put(NetworkLink link, IPAddress address, int prefixLength, uint lifetime, byte protocol, bool bringsRoute)
    {
        var bytes = address.GetAddressBytes();
        var isOld = address.AddressFamily == AddressFamily.InterNetwork;
        Span<byte> times = stackalloc byte[16];
        times.Clear();

        // What a node says by itself shall come from its own address; IPv4 has the order of the addresses for that.
        MemoryMarshal.Write(times, isOld ? lifetime : 0);
        MemoryMarshal.Write(times[4..], lifetime);
        Span<byte> flags = stackalloc byte[4];
        MemoryMarshal.Write(flags, (isOld ? 0 : FlagNoDetection) | (bringsRoute ? 0 : FlagNoPrefixRoute));
        var message = new RouteMessage(
                NewAddress, RouteSocket.Request | RouteSocket.Acknowledge | RouteSocket.Create | RouteSocket.Replace, Body(link, address, prefixLength))
            .With(LocalAttribute, bytes)
            .With(PeerAttribute, bytes)
            .With(LifetimeAttribute, times)
            .With(FlagsAttribute, flags)
            .With(ProtocolAttribute, [protocol]);
        if (isOld && prefixLength < 31)
        {
            _ = message.With(BroadcastAttribute, Broadcast(bytes, prefixLength));
        }

        using var kernel = new RouteSocket();
        kernel.Change(message, "put address", $"{address}/{prefixLength} on {link.Name}");
    }

    /// <summary>Takes an address off a link.</summary>
    /// <returns>False when it, or the link, is not there.</returns>
    /// <exception cref="PosixException">The kernel refuses.</exception>
    public static bool Remove(LinkAddress address)
    {
        var message = new RouteMessage(
                DeleteAddress, RouteSocket.Request | RouteSocket.Acknowledge, Body(address.Link, address.Address, address.PrefixLength))
            .With(LocalAttribute, address.Address.GetAddressBytes())

            // Without it the kernel does not look at the prefix, and may take the same address of somebody else.
            .With(PeerAttribute, address.Address.GetAddressBytes());
        using var kernel = new RouteSocket();
        try
        {
            kernel.Change(message, "take off address", $"{address.Address}/{address.PrefixLength}");
            return true;
        }
        catch (PosixException e) when (e.Error is PosixException.AddressNotThere or PosixException.NoDevice)
        {
            return false;
        }
    }

    private static byte[] Body(NetworkLink link, IPAddress address, int prefixLength) => Body(link.Index, address, prefixLength);

    private static byte[] Body(int link, IPAddress address, int prefixLength)
    {
        var body = new byte[8];
        body[0] = address.AddressFamily == AddressFamily.InterNetwork ? Inet : Inet6;
        body[1] = (byte)prefixLength;
        MemoryMarshal.Write(body.AsSpan(4), link);
        return body;
    }

    private static byte[] Broadcast(byte[] address, int prefixLength)
    {
        var broadcast = address.ToArray();
        for (var bit = prefixLength; bit < 32; bit++)
        {
            broadcast[bit / 8] |= (byte)(0x80 >> (bit % 8));
        }

        return broadcast;
    }

    private static NetworkLink ToLink(ReadOnlySpan<byte> body)
    {
        var kind = MemoryMarshal.Read<ushort>(body[2..]);
        var flags = MemoryMarshal.Read<uint>(body[8..]);
        var attributes = RouteMessage.ReadAttributes(body[16..]);
        return new NetworkLink(
            MemoryMarshal.Read<int>(body[4..]),
            attributes.TryGetValue(LinkNameAttribute, out var name) ? Encoding.UTF8.GetString(name).TrimEnd('\0') : "",
            (flags & LinkLoopback) != 0,
            (flags & LinkUp) != 0,
            kind == LinkIsEthernet && attributes.TryGetValue(LinkAddressAttribute, out var hardware) ? [.. hardware] : []);
    }

    private static LinkAddress? ToAddress(ReadOnlySpan<byte> body)
    {
        var attributes = RouteMessage.ReadAttributes(body[8..]);
        return body[0] is Inet or Inet6 && (attributes.TryGetValue(LocalAttribute, out var bytes) || attributes.TryGetValue(PeerAttribute, out bytes))
            ? new LinkAddress(
                MemoryMarshal.Read<int>(body[4..]),
                new IPAddress(bytes),
                body[1],
                ((attributes.TryGetValue(FlagsAttribute, out var flags) ? MemoryMarshal.Read<uint>(flags) : body[2]) & FlagPermanent) != 0,
                attributes.TryGetValue(ProtocolAttribute, out var protocol) ? protocol[0] : (byte)0)
            : null;
    }
}
