using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace ClusterFs.Configuration.Binding;

/// <summary><c>clusterfs.services.NAME.address</c>: one text, several, or an object that names the interface, too.</summary>
internal static class AddressBinder
{
    public const string Name = "address";
    private const string Cidr = "cidr";
    private const string Interface = "interface";
    private const string Expected = "expected an address and the length of its network's prefix: 10.0.0.50/24, or \"2001:db8::50/64\"";

    /// <summary>The kernel's limit for the name of an interface.</summary>
    private const int LongestInterface = 15;

    public static ImmutableArray<FloatingAddress> Bind(Section service)
    {
        if (!service.HoldsSection(Name))
        {
            var written = service.TextOrTexts(Name);
            return Read(service, Name, written, null);
        }

        var section = service.Child(Name);
        var cidr = section.TextOrTexts(Cidr);
        var link = section.Text(Interface);
        if (cidr is { Valid: true, Value: null })
        {
            section.Wrong(section.At, Cidr, 0, "is missing", Expected);
        }

        if (link is { Valid: true, Value: { } name } && (name.Length is 0 or > LongestInterface || name.Any(c => char.IsWhiteSpace(c) || c is '/' or ':')))
        {
            section.Wrong(link.At, Interface, 0, $"'{name}' cannot be the name of an interface", "expected one that `ip link` shows, such as eth0");
        }

        section.Finish();
        return Read(section, Cidr, cidr, link.Value);
    }

    /// <summary>No two services have an address in common, and none has that of a node: it would go away with the service.</summary>
    public static void Check(Section services, IReadOnlyCollection<ServiceSettings> all, ClusterSettings cluster)
    {
        var taken = cluster.Nodes.Where(node => IPAddress.TryParse(node.Value, out _))
            .GroupBy(node => IPAddress.Parse(node.Value)).ToDictionary(group => group.Key, group => $"node {group.First().Key}");
        foreach (var service in all)
        {
            foreach (var floating in service.Addresses)
            {
                if (!taken.TryAdd(floating.Address, $"service {service.Name}"))
                {
                    var section = services.NamedChild(service.Name);
                    section.Wrong(
                        section.PlaceOf(Name), Name, 0, $"{floating.Address} is the address of {taken[floating.Address]}",
                        "expected an address that nothing else has");
                }
            }
        }
    }

    private static ImmutableArray<FloatingAddress> Read(Section section, string key, Bound<ImmutableArray<Bound<string>>?> written, string? link)
    {
        var addresses = ImmutableArray.CreateBuilder<FloatingAddress>();
        foreach (var text in written.Value ?? [])
        {
            if (!TryRead(text.Value, out var address, out var prefix))
            {
                section.Wrong(text.At, key, 0, $"'{text.Value}' is no address with a prefix", Expected);
            }
            else if (Problem(address, prefix) is { } problem)
            {
                section.Wrong(text.At, key, 0, $"{text.Value} {problem}", Expected);
            }
            else
            {
                addresses.Add(new FloatingAddress(address, prefix, link));
            }
        }

        return addresses.ToImmutable();
    }

    private static bool TryRead(string text, out IPAddress address, out int prefix)
    {
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        address = IPAddress.None;
        prefix = 0;

        // "10.50" and zones are addresses to .NET, too.
        return slash > 0
            && IPAddress.TryParse(text.AsSpan(0, slash), out address!)
            && (address.AddressFamily == AddressFamily.InterNetworkV6 ? !text.Contains('%', StringComparison.Ordinal) : text.AsSpan(0, slash).Count('.') == 3)
            && int.TryParse(text.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out prefix)
            && prefix >= 1
            && prefix <= (address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128);
    }

    private static string? Problem(IPAddress address, int prefix)
    {
        if (IPAddress.IsLoopback(address))
        {
            return "never leaves its node";
        }

        if (address.IsIPv6LinkLocal || address.IsIPv6Multicast || address.IsIPv4MappedToIPv6 || address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any))
        {
            return "cannot be the address of a service";
        }

        if (address.AddressFamily != AddressFamily.InterNetwork)
        {
            return null;
        }

        var bits = BitConverter.ToUInt32([.. address.GetAddressBytes().Reverse()]);
        var host = prefix == 32 ? 0 : bits & (uint.MaxValue >> prefix);
        return bits >> 28 >= 0xe ? "cannot be the address of a service"
            : prefix < 31 && (host == 0 || host == uint.MaxValue >> prefix) ? "is the address of a whole network"
            : null;
    }
}
