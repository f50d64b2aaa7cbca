using System.Collections.Immutable;
using System.Diagnostics;
using System.Net;
using Microsoft.Win32.SafeHandles;

namespace ClusterFs.Posix.Network;

/// <summary>
/// Asks everybody on a link who has an address, as one does before taking it, so that nobody learns anything from the question: ARP probes
/// (RFC 5227), for IPv6 neighbour solicitations as of duplicate address detection (RFC 4862). A machine that is about to take such an address itself sees
/// another that wants it, and may do without: an address that others take by themselves is asked for in the name of one that this machine has, as before
/// sending something there. Needs CAP_NET_RAW.
/// </summary>
public static class AddressProbe
{
    private const int Longest = 2048;

    /// <summary>Frames are lost.</summary>
    private const int Questions = 3;

    private static readonly TimeSpan Between = TimeSpan.FromMilliseconds(300);

    /// <summary>How long it takes.</summary>
    public static TimeSpan Takes { get; } = Between * (Questions + 1);

    /// <summary>Blocks for <see cref="Takes"/>. Answers of this machine itself are not among them.</summary>
    /// <param name="inNameOf">By address that is asked for: an address of this machine on that link, of the same kind; null for a probe.</param>
    /// <returns>By address: the hardware addresses of those that say it is theirs; none for one that nobody has.</returns>
    /// <exception cref="PosixException">The kernel refuses.</exception>
    public static ImmutableDictionary<IPAddress, ImmutableArray<HardwareAddress>> Ask(NetworkLink link, IReadOnlyDictionary<IPAddress, IPAddress?> inNameOf)
    {
        var found = inNameOf.Keys.ToDictionary(address => address, _ => new HashSet<HardwareAddress>());

        // A kernel answers on each of its links in a network for what it has on any (arp_ignore).
        var own = LinkTable.Read().Links.Where(one => one.IsEthernet).Select(one => HardwareAddress.Of(one.HardwareAddress.AsSpan())).ToHashSet();
        using var old = Open(link, NeighbourFrames.ArpKind);
        using var newer = Open(link, NeighbourFrames.Ipv6Kind);
        var begun = Stopwatch.GetTimestamp();
        for (var question = 1; question <= Questions; question++)
        {
            foreach (var address in found.Keys)
            {
                var kind = NeighbourFrames.KindOf(address);
                var frame = NeighbourFrames.Question(link.HardwareAddress.AsSpan(), inNameOf[address], address);
                Sockets.Send(kind == NeighbourFrames.ArpKind ? old : newer, frame, "ask for", $"{address} on {link.Name}", NeighbourFrames.PlaceOf(link, kind));
            }

            Listen(question == Questions ? Takes : Between * question);
        }

        return found.ToImmutableDictionary(one => one.Key, one => one.Value.OrderBy(holder => holder.Text, StringComparer.Ordinal).ToImmutableArray());

        void Listen(TimeSpan until)
        {
            while (until - Stopwatch.GetElapsedTime(begun) is var left && left > TimeSpan.Zero)
            {
                foreach (var socket in Sockets.WaitReadable([old, newer], left))
                {
                    Hear(socket);
                }
            }
        }

        void Hear(SafeFileHandle socket)
        {
            var buffer = new byte[Longest];
            var length = Sockets.Receive(socket, buffer, "hear on", link.Name);
            if (NeighbourFrames.ClaimIn(buffer.AsSpan(0, length)) is { } claim
                && found.TryGetValue(claim.Address, out var holders)
                && HardwareAddress.Of(claim.Hardware) is var holder
                && !own.Contains(holder))
            {
                _ = holders.Add(holder);
            }
        }
    }

    private static SafeFileHandle Open(NetworkLink link, ushort kind)
    {
        var socket = Sockets.Open(Sockets.Packet, Sockets.Raw, 0, "packet");
        if (kind == NeighbourFrames.Ipv6Kind)
        {
            // All else of IPv6 would fill the socket before the answers come.
            Sockets.Filter(socket, (NeighbourFrames.ProtocolAt, NeighbourFrames.Icmp), (NeighbourFrames.IcmpAt, NeighbourFrames.AdvertisementMessage));
        }

        Sockets.Bind(socket, NeighbourFrames.PlaceOf(link, kind), "listen on", link.Name);
        return socket;
    }
}
