using System.Diagnostics;
using System.Net;
using ClusterFs.Posix.Network;

namespace ClusterFs.Guard.Tests.Addresses;

/// <summary>The kernel itself answers: another machine's, and this one's.</summary>
public sealed class AddressProbeTests
{
    private static readonly IPAddress[] Asked = [IPAddress.Parse("10.0.0.2"), IPAddress.Parse("fd00::2")];
    private static readonly IPAddress[] Own = [IPAddress.Parse("10.0.0.1"), IPAddress.Parse("fd00::1")];

    /// <summary>Both links are in one network, and the kernel answers on each for what is on the other.</summary>
    [SkippableFact]
    public void This_machine_is_nobody_else_on_whichever_link_it_answers() => OwnNetwork.Run(link =>
    {
        Assert.All(Ask(link, []), holders => Assert.Empty(holders));
        OwnNetwork.Shell("ip address add 10.0.0.2/24 dev own1 && ip address add fd00::2/64 dev own1 nodad");
        Assert.All(Ask(link, []), holders => Assert.Empty(holders));
    });

    [SkippableFact]
    public void Another_machine_answers_a_probe_and_who_asks_in_the_name_of_an_address() => WithMachine((link, machine) =>
    {
        OwnNetwork.Shell("ip address add 10.0.0.1/24 dev own0 && ip address add fd00::1/64 dev own0 nodad");
        OwnNetwork.Shell($"nsenter -t {machine} -n sh -c 'ip address add 10.0.0.2/24 dev own1 && ip address add fd00::2/64 dev own1 nodad'");
        Assert.All(Ask(link, []), holders => Assert.Single(holders));
        Assert.All(Ask(link, Own), holders => Assert.Single(holders));
    });

    /// <summary>As one does that starts: for as long as it looks, it would do without an address that somebody else seems to want (RFC 4862, 5.4.3).</summary>
    [SkippableFact]
    public void A_machine_that_is_about_to_take_an_address_takes_it_when_it_is_asked_for_in_the_name_of_another() => WithMachine((link, machine) =>
    {
        OwnNetwork.Shell("ip address add fd00::1/64 dev own0 nodad");
        var looks = $"nsenter -t {machine} -n sh -c 'echo 100 > /proc/sys/net/ipv6/conf/own1/dad_transmits && ip address replace fd00::2/64 dev own1'";
        string Shows(string flag) => $"nsenter -t {machine} -n ip address show dev own1 {flag} | grep -q fd00::2";

        OwnNetwork.Shell(looks);
        _ = Ask(link, Own);
        OwnNetwork.Shell($"{Shows("tentative")} && ! {Shows("dadfailed")}");

        // And this is what would be.
        _ = Ask(link, []);
        OwnNetwork.Shell(Shows("dadfailed"));
    });

    private static IEnumerable<IReadOnlyCollection<HardwareAddress>> Ask(NetworkLink link, IPAddress[] inNameOf)
    {
        var answers = AddressProbe.Ask(link, Asked.ToDictionary(address => address, address => inNameOf.FirstOrDefault(own => own.AddressFamily == address.AddressFamily)));
        return Asked.Select(IReadOnlyCollection<HardwareAddress> (address) => answers[address]);
    }

    /// <summary>The other end of the cable is in another network of its own, as a machine's.</summary>
    /// <param name="test">Is given a process that is there.</param>
    private static void WithMachine(Action<NetworkLink, int> test) => OwnNetwork.Run(link =>
    {
        using var machine = Process.Start(new ProcessStartInfo("unshare", ["--net", "sh", "-c", "echo there; exec sleep 300"]) { RedirectStandardOutput = true })!;
        try
        {
            Assert.Equal("there", machine.StandardOutput.ReadLine());
            OwnNetwork.Shell($"ip link set own1 netns {machine.Id} && nsenter -t {machine.Id} -n ip link set own1 up && ip link set own0 up");
            test(link, machine.Id);
        }
        finally
        {
            machine.Kill();
        }
    });
}
