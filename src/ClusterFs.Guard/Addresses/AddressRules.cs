using System.Net;
using System.Net.Sockets;
using ClusterFs.Configuration;
using ClusterFs.Posix.Network;

namespace ClusterFs.Guard.Addresses;

/// <summary>What is to be done about an address, as decided from what is there. Pure.</summary>
internal static class AddressRules
{
    /// <summary>
    /// Marks an address as put on by ClusterFs (`proto` of `ip address`). Numbers up to 3 are the kernel's, and others go by /etc/iproute2/rt_addrprotos.
    /// </summary>
    public const byte Mark = 0xcf;

    /// <summary>By how much the kernel may be late in taking off an address whose time is over: it looks once a second, rounded to a quarter.</summary>
    public static readonly TimeSpan KernelLateness = TimeSpan.FromMilliseconds(1250);

    /// <summary>By how much, at most, an address may outlive the lease that it was put on under: where a lease is too short for whole seconds.</summary>
    public static readonly TimeSpan LongestOverrun = TimeSpan.FromMilliseconds(2500);

    /// <summary>The kernel counts whole seconds, and takes none as a lifetime.</summary>
    public const uint ShortestLifetime = 1;

    /// <summary>With a shorter TTL there is, at times, too little left of a lease that was just renewed for the kernel's whole seconds.</summary>
    public static readonly TimeSpan ShortestCoveredTtl = TimeSpan.FromSeconds(3);

    /// <summary>
    /// How long the kernel may keep an address by itself: gone, however late it is, when the lease ends, where a lease is long enough for that.
    /// Whoever is alive takes it off sooner.
    /// </summary>
    /// <param name="remaining">Of the lease, at least.</param>
    /// <returns>Null when too little is left: what the kernel was told before stands.</returns>
    public static uint? LifetimeFor(TimeSpan remaining, TimeSpan ttl)
    {
        var seconds = (remaining - KernelLateness).TotalSeconds;
        return seconds >= ShortestLifetime ? (uint)Math.Min(seconds, uint.MaxValue - 1d)
            : ttl < ShortestCoveredTtl ? ShortestLifetime
            : null;
    }

    /// <summary>Put on by ClusterFs: it never lends one for good. Where the kernel remembers no marks, that has to do.</summary>
    public static bool IsOurs(LinkAddress address, bool kernelRemembers) =>
        !address.IsPermanent && (!kernelRemembers || address.Protocol == Mark);

    /// <summary>Where an address goes.</summary>
    /// <param name="wasRouted">The link had an address of the same network of its own when it was put on last.</param>
    public static AddressPlace PlaceFor(FloatingAddress wanted, LinkTable table, bool kernelRemembers, bool wasRouted = false)
    {
        var there = table.Addresses.Where(address => address.Address.Equals(wanted.Address)).ToList();
        if (there.Find(address => !IsOurs(address, kernelRemembers)) is { } foreign)
        {
            return AddressPlace.Nowhere(
                $"{wanted.Address} is on {NameOf(foreign.Link, table)} of this node already, and ClusterFs did not put it there: "
                + "take it out of the node's network configuration, and off with 'ip address del'");
        }

        var own = table.Addresses
            .Where(address => !address.Address.Equals(wanted.Address) && !IsMarked(address) && IsSameNetwork(address, wanted)).ToList();
        var candidates = wanted.Interface is { } name
            ? table.Links.Where(link => link.Name == name).ToList()
            : table.Links.Where(link => !link.IsLoopback && own.Exists(address => address.Link == link.Index)).ToList();
        return candidates switch
        {
            [{ IsUp: true } link] => PlaceOn(link, wanted, there, [.. own.Where(address => address.Link == link.Index)], wasRouted),
            [var link] => AddressPlace.Nowhere($"{wanted} cannot be had: {link.Name} is down"),
            [] when wanted.Interface is not null => AddressPlace.Nowhere($"{wanted} cannot be had: this node has no interface {wanted.Interface}"),
            [] => AddressPlace.Nowhere($"{wanted} cannot be had: no interface of this node has an address in that network; name one with address.interface"),
            _ => AddressPlace.Nowhere(
                $"{wanted} cannot be had: {string.Join(" and ", candidates.Select(link => link.Name))} have addresses in that network; name one with address.interface"),
        };
    }

    private static AddressPlace PlaceOn(NetworkLink link, FloatingAddress wanted, List<LinkAddress> there, List<LinkAddress> own, bool wasRouted)
    {
        var (right, misplaced) = (there.Where(address => IsInPlace(address, link, wanted)), there.Where(address => !IsInPlace(address, link, wanted)));
        if (wasRouted && own.Count == 0 && !right.Any())
        {
            // It would become the first address of its network, and the node's own ones, back after a restart of the network, would go with it.
            return AddressPlace.Nowhere($"{wanted} waits for {link.Name} to have an address of that network of its own again");
        }

        // Where the node's own address has the same prefix, IPv4 adds no route for this one, and has one should the other be taken off.
        var bringsRoute = own.Count == 0
            || (wanted.Address.AddressFamily == AddressFamily.InterNetwork && own.Exists(address => address.PrefixLength == wanted.PrefixLength));
        return new AddressPlace(link, own.Count > 0, bringsRoute, [.. misplaced], null);
    }

    private static bool IsInPlace(LinkAddress address, NetworkLink link, FloatingAddress wanted) =>
        address.Link == link.Index && address.PrefixLength == wanted.PrefixLength;

    /// <summary>Of this service or another: it is no address of the node's own.</summary>
    private static bool IsMarked(LinkAddress address) => !address.IsPermanent && address.Protocol == Mark;

    private static string NameOf(int link, LinkTable table) => table.Links.FirstOrDefault(one => one.Index == link)?.Name ?? "an interface";

    /// <summary>By the network of the address that is there: that is what it can reach.</summary>
    private static bool IsSameNetwork(LinkAddress address, FloatingAddress wanted) =>
        address.Address.AddressFamily == wanted.Address.AddressFamily
        && new IPNetwork(Masked(address.Address, address.PrefixLength), address.PrefixLength).Contains(wanted.Address);

    private static IPAddress Masked(IPAddress address, int prefixLength)
    {
        var bytes = address.GetAddressBytes();
        for (var bit = prefixLength; bit < bytes.Length * 8; bit++)
        {
            bytes[bit / 8] &= (byte)~(0x80 >> (bit % 8));
        }

        return new IPAddress(bytes);
    }
}

/// <summary>Where an address goes, or why nowhere.</summary>
/// <param name="Routed">The link has an address of the same network of its own.</param>
/// <param name="BringsRoute">It has a route to its network added, from it.</param>
/// <param name="Misplaced">Where ClusterFs has left it before, and it has to go first.</param>
internal sealed record AddressPlace(NetworkLink? Link, bool Routed, bool BringsRoute, IReadOnlyList<LinkAddress> Misplaced, string? Problem)
{
    public static AddressPlace Nowhere(string problem) => new(null, false, false, [], problem);
}
