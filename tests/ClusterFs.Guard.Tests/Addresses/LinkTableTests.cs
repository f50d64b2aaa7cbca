using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using ClusterFs.Guard.Addresses;
using ClusterFs.Posix.Network;

namespace ClusterFs.Guard.Tests.Addresses;

/// <summary>The kernel itself, in a network of the test's own.</summary>
public sealed partial class LinkTableTests
{
    private const int NewNetwork = 0x40000000;

    [SkippableFact]
    public void What_is_taken_off_is_of_that_prefix_and_no_other() => InOwnNetwork(link =>
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
    public void An_address_without_a_route_leaves_the_nodes_own_in_charge() => InOwnNetwork(link =>
    {
        LinkTable.Put(link, IPAddress.Parse("10.0.0.1"), 16, 100, 0, bringsRoute: true);
        LinkTable.Put(link, IPAddress.Parse("10.0.0.50"), 24, 100, AddressRules.Mark, bringsRoute: false);
        Assert.Equal(2, Ipv4().Count());

        using var asked = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, 0);
        asked.Connect(IPAddress.Parse("10.0.0.99"), 9);

        Assert.Equal(IPAddress.Parse("10.0.0.1"), ((IPEndPoint)asked.LocalEndPoint!).Address);
    });

    /// <summary>On a thread of its own, which nobody else gets; as root alone, as those who run the guard.</summary>
    private static void InOwnNetwork(Action<NetworkLink> test)
    {
        Skip.IfNot(Environment.IsPrivilegedProcess && File.Exists("/usr/sbin/ip"), "needs root and /usr/sbin/ip, to have a network of its own");
        Exception? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                Assert.Equal(0, Unshare(NewNetwork));
                using (var up = System.Diagnostics.Process.Start("/bin/sh", ["-c", "ip link add own0 type veth peer name own1 && ip link set own0 up && ip link set own1 up"]))
                {
                    up.WaitForExit();
                    Assert.Equal(0, up.ExitCode);
                }

                test(Assert.Single(LinkTable.Read().Links, link => link.Name == "own0"));
            }
            catch (Exception e)
            {
                failure = e;
            }
        });
        thread.Start();
        thread.Join();
        Assert.Null(failure);
    }

    private static IEnumerable<LinkAddress> Ipv4() => LinkTable.Read().Addresses.Where(there => there.Address.AddressFamily == AddressFamily.InterNetwork);

    [LibraryImport("libc", EntryPoint = "unshare", SetLastError = true)]
    private static partial int Unshare(int flags);
}
