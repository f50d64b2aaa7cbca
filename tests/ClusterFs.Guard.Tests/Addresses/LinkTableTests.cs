using System.Net;
using System.Net.Sockets;
using ClusterFs.Guard.Addresses;
using ClusterFs.Posix.Network;

namespace ClusterFs.Guard.Tests.Addresses;

/// <summary>The kernel itself, in a network of the test's own.</summary>
public sealed class LinkTableTests
{
    [SkippableFact]
    public void What_is_taken_off_is_of_that_prefix_and_no_other() => OwnNetwork.Run(link =>
    {
        var address = IPAddress.Parse("10.0.0.50");
        LinkTable.Put(link, address, 32, 100, 0, bringsRoute: true);
        LinkTable.Put(link, address, 24, 100, AddressRules.Mark, bringsRoute: true);
        var ours = Assert.Single(Ipv4(), there => there.PrefixLength == 24);

        Assert.True(LinkTable.Remove(ours));
        Assert.False(LinkTable.Remove(ours));

        Assert.Equal(32, Assert.Single(Ipv4()).PrefixLength);
    });

    [SkippableFact]
    public void An_address_without_a_route_leaves_the_nodes_own_in_charge() => OwnNetwork.Run(link =>
    {
        LinkTable.Put(link, IPAddress.Parse("10.0.0.1"), 16, 100, 0, bringsRoute: true);
        LinkTable.Put(link, IPAddress.Parse("10.0.0.50"), 24, 100, AddressRules.Mark, bringsRoute: false);
        Assert.Equal(2, Ipv4().Count());

        using var asked = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, 0);
        asked.Connect(IPAddress.Parse("10.0.0.99"), 9);

        Assert.Equal(IPAddress.Parse("10.0.0.1"), ((IPEndPoint)asked.LocalEndPoint!).Address);
    });

    private static IEnumerable<LinkAddress> Ipv4() => LinkTable.Read().Addresses.Where(there => there.Address.AddressFamily == AddressFamily.InterNetwork);
}
