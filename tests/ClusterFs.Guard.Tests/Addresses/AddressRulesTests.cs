using System.Collections.Immutable;
using System.Net;
using ClusterFs.Configuration;
using ClusterFs.Guard.Addresses;
using ClusterFs.Lease;
using ClusterFs.Posix.Network;

namespace ClusterFs.Guard.Tests.Addresses;

public sealed class AddressRulesTests
{
    private static readonly NetworkLink Loopback = new(1, "lo", IsLoopback: true, IsUp: true, []);
    private static readonly NetworkLink Eth0 = new(2, "eth0", IsLoopback: false, IsUp: true, [2, 0, 0, 0, 0, 1]);
    private static readonly NetworkLink Eth1 = new(3, "eth1", IsLoopback: false, IsUp: true, [2, 0, 0, 0, 0, 2]);
    private static readonly FloatingAddress Wanted = new(IPAddress.Parse("10.0.0.50"), 24, null);

    [Fact]
    public void It_goes_where_an_address_of_its_network_is()
    {
        var place = Place(Wanted, On(Eth0, "192.168.1.1", 24), On(Eth1, "10.0.0.1", 24));

        Assert.Equal((Eth1, true, (string?)null), (place.Link, place.Routed, place.Problem));
    }

    [Fact]
    public void Of_ipv6_too()
    {
        var wanted = new FloatingAddress(IPAddress.Parse("2001:db8::50"), 64, null);

        Assert.Equal(Eth0, Place(wanted, On(Eth0, "2001:db8::1", 64), On(Eth1, "2001:db9::1", 64), On(Eth1, "10.0.0.1", 8)).Link);
    }

    [Fact]
    public void A_named_interface_needs_no_other_address()
    {
        var place = Place(Wanted with { Interface = "eth0" }, On(Eth1, "10.0.0.1", 24));

        Assert.Equal((Eth0, false), (place.Link, place.Routed));
    }

    [Theory]
    [InlineData(null, "no interface of this node has an address in that network")]
    [InlineData("eth7", "this node has no interface eth7")]
    public void Where_there_is_no_interface_it_says_so(string? name, string problem) =>
        Assert.Contains(problem, Place(Wanted with { Interface = name }, On(Eth0, "10.0.1.1", 24)).Problem, StringComparison.Ordinal);

    [Fact]
    public void Between_two_interfaces_somebody_has_to_choose() =>
        Assert.Contains("eth0 and eth1 have addresses in that network", Place(Wanted, On(Eth0, "10.0.0.1", 24), On(Eth1, "10.0.0.2", 24)).Problem, StringComparison.Ordinal);

    [Fact]
    public void An_interface_that_is_down_is_none() =>
        Assert.Contains("eth0 is down", AddressRules.PlaceFor(Wanted, new LinkTable([Eth0 with { IsUp = false }], [On(Eth0, "10.0.0.1", 24)]), true).Problem, StringComparison.Ordinal);

    [Theory]
    [InlineData(true, 0)]
    [InlineData(false, 0)]
    [InlineData(true, AddressRules.Mark)]
    public void What_somebody_else_has_put_on_is_left_alone_and_refused(bool isPermanent, byte protocol)
    {
        var place = Place(Wanted, On(Eth0, "10.0.0.1", 24), On(Eth0, "10.0.0.50", 32) with { IsPermanent = isPermanent, Protocol = protocol });

        Assert.Contains("10.0.0.50 is on eth0 of this node already, and ClusterFs did not put it there", place.Problem, StringComparison.Ordinal);
        Assert.Empty(place.Misplaced);
    }

    [Fact]
    public void What_clusterfs_left_in_its_place_is_gone_on_with_and_elsewhere_taken_off()
    {
        var (own, elsewhere) = (Ours(Eth0, 24), Ours(Eth1, 24));

        var place = Place(Wanted, On(Eth0, "10.0.0.1", 24), own, elsewhere);

        Assert.Equal(Eth0, place.Link);
        Assert.Equal([elsewhere], place.Misplaced);
    }

    [Fact]
    public void Before_the_kernel_remembered_marks_an_end_has_to_do()
    {
        var unmarked = Ours(Eth0, 24) with { Protocol = 0 };

        Assert.True(AddressRules.IsOurs(unmarked, kernelRemembers: false));
        Assert.False(AddressRules.IsOurs(unmarked, kernelRemembers: true));
        Assert.False(AddressRules.IsOurs(unmarked with { IsPermanent = true }, kernelRemembers: false));
    }

    /// <summary>As late as the kernel may be, it has ended by the end of the lease; what it was told before stands where there is no time for that.</summary>
    [Theory]
    [InlineData(60_000, 58)]
    [InlineData(4_900, 3)]
    [InlineData(3_300, 2)]
    [InlineData(2_250, 1)]
    [InlineData(2_249, null)]
    [InlineData(400, null)]
    [InlineData(-400, null)]
    public void The_kernel_takes_it_off_before_the_lease_ends(int remaining, int? lifetime)
    {
        Assert.Equal((uint?)lifetime, AddressRules.LifetimeFor(TimeSpan.FromMilliseconds(remaining), AddressRules.ShortestCoveredTtl));
        Assert.True(lifetime is null || TimeSpan.FromSeconds(lifetime.Value) + AddressRules.KernelLateness <= TimeSpan.FromMilliseconds(remaining));
    }

    [Fact]
    public void A_lease_that_is_too_short_for_the_kernels_seconds_has_one_all_the_same() =>
        Assert.Equal(1u, AddressRules.LifetimeFor(TimeSpan.FromMilliseconds(400), TimeSpan.FromSeconds(2)));

    /// <summary>The kernel may be told at any moment between two renewals but one, and has to be in time for the next.</summary>
    [Fact]
    public void A_ttl_that_counts_as_long_enough_is() => Assert.NotNull(AddressRules.LifetimeFor(
        AddressRules.ShortestCoveredTtl - LeaseTimings.MarginOf(AddressRules.ShortestCoveredTtl) - (AddressRules.ShortestCoveredTtl / 8), AddressRules.ShortestCoveredTtl));

    [Fact]
    public void An_address_of_another_service_is_none_of_the_nodes_own()
    {
        var other = On(Eth0, "10.0.0.51", 24) with { IsPermanent = false, Protocol = AddressRules.Mark };

        Assert.Contains("no interface of this node has an address", Place(Wanted, other).Problem, StringComparison.Ordinal);
        Assert.Equal((false, true), Routing(Place(Wanted with { Interface = "eth0" }, other)));
    }

    /// <summary>While the network is restarted it would become the first address, and the node's own ones would go with it.</summary>
    [Fact]
    public void What_was_routed_before_is_put_back_after_the_nodes_own_address_and_not_in_its_place()
    {
        var wanted = Wanted with { Interface = "eth0" };

        Assert.Contains("waits for eth0 to have an address of that network of its own again", PlaceAgain(wanted).Problem, StringComparison.Ordinal);
        Assert.Null(PlaceAgain(wanted, On(Eth0, "10.0.0.1", 24)).Problem);
        Assert.Null(PlaceAgain(wanted, Ours(Eth0, 24)).Problem);
        Assert.Null(Place(wanted).Problem);
    }

    /// <summary>Its route would be the more special one, and give the node's own connections another address.</summary>
    [Theory]
    [InlineData(16, false)]
    [InlineData(24, true)]
    public void Of_a_prefix_of_another_length_than_the_nodes_own_it_brings_no_route(int own, bool bringsRoute) =>
        Assert.Equal((true, bringsRoute), Routing(Place(Wanted, On(Eth0, "10.0.0.1", own))));

    [Fact]
    public void Of_ipv6_it_brings_none_where_the_node_has_one() => Assert.Equal(
        (true, false), Routing(Place(new FloatingAddress(IPAddress.Parse("2001:db8::50"), 64, null), On(Eth0, "2001:db8::1", 64))));

    [Fact]
    public void An_announcement_says_who_has_the_address_now()
    {
        var frames = Announcement.FramesFor(Wanted.Address, Eth0.HardwareAddress.AsSpan());

        Assert.Equal(
            ["FFFFFFFFFFFF 020000000001 0806 0001080006040001 020000000001 0A000032 000000000000 0A000032", "FFFFFFFFFFFF 020000000001 0806 0001080006040002 020000000001 0A000032 020000000001 0A000032"],
            frames.Select(frame => Spaced(frame, 6, 6, 2, 8, 6, 4, 6, 4)));
    }

    /// <summary>The checksum is of RFC 4443: with it, pseudo-header and message sum up to nothing.</summary>
    [Fact]
    public void An_advertisement_overrides_what_was_known()
    {
        var frame = Assert.Single(Announcement.FramesFor(IPAddress.Parse("2001:db8::50"), Eth0.HardwareAddress.AsSpan()));

        Assert.Equal("333300000001 020000000001 86DD", Spaced(frame[..14], 6, 6, 2));
        var (packet, message) = (frame[14..54], frame[54..]);
        Assert.Equal((58, 255, 136, 0x20), (packet[6], packet[7], message[0], message[4]));
        var sum = packet[8..].Concat(message).Chunk(2).Sum(pair => (pair[0] << 8) + pair[1]) + message.Length + 58;
        Assert.Equal(0xffff, (sum & 0xffff) + (sum >> 16));
    }

    /// <summary>A question changes nothing that anybody knows: it comes from no address (RFC 5227, RFC 4862).</summary>
    [Fact]
    public void A_question_who_has_an_address_claims_nothing_and_its_answers_are_understood()
    {
        var (address, newer) = (Wanted.Address, IPAddress.Parse("2001:db8::1:2:50"));
        var probe = NeighbourFrames.Question(Eth0.HardwareAddress.AsSpan(), null, address);
        Assert.Equal("FFFFFFFFFFFF 020000000001 0806 0001080006040001 020000000001 00000000 000000000000 0A000032", Spaced(probe, 6, 6, 2, 8, 6, 4, 6, 4));
        var solicitation = NeighbourFrames.Question(Eth0.HardwareAddress.AsSpan(), null, newer);
        Assert.Equal("3333FF020050 020000000001 86DD", Spaced(solicitation[..14], 6, 6, 2));
        Assert.All(solicitation[22..38], part => Assert.Equal(0, part));
        Assert.Equal("FF0200000000000000000001FF020050", Convert.ToHexString(solicitation[38..54]));
        Assert.Null(NeighbourFrames.ClaimIn(probe));
        Assert.Null(NeighbourFrames.ClaimIn(solicitation));

        foreach (var one in (IPAddress[])[address, newer])
        {
            var claim = NeighbourFrames.ClaimIn(Announcement.FramesFor(one, Eth0.HardwareAddress.AsSpan())[^1]);
            Assert.Equal((one, "02:00:00:00:00:01"), (claim!.Value.Address, HardwareAddress.Of(claim.Value.Hardware).ToString()));
        }

        Assert.Null(NeighbourFrames.ClaimIn(probe.AsSpan(0, 30)));
        Assert.Null(NeighbourFrames.ClaimIn([]));
    }

    /// <summary>And says where the answer goes, so that nobody has to ask back.</summary>
    [Fact]
    public void A_question_in_the_name_of_an_address_comes_from_there()
    {
        var arp = NeighbourFrames.Question(Eth0.HardwareAddress.AsSpan(), IPAddress.Parse("10.0.0.1"), Wanted.Address);
        Assert.Equal("FFFFFFFFFFFF 020000000001 0806 0001080006040001 020000000001 0A000001 000000000000 0A000032", Spaced(arp, 6, 6, 2, 8, 6, 4, 6, 4));
        var own = IPAddress.Parse("2001:db8::1");
        var solicitation = NeighbourFrames.Question(Eth0.HardwareAddress.AsSpan(), own, IPAddress.Parse("2001:db8::1:2:50"));
        Assert.Equal(own, new IPAddress(solicitation.AsSpan(22, 16)));
        Assert.Equal("0101020000000001", Convert.ToHexString(solicitation.AsSpan(^8)));
    }

    private static string Spaced(byte[] bytes, params int[] lengths)
    {
        var at = 0;
        return string.Join(' ', lengths.Select(length => Convert.ToHexString(bytes, (at += length) - length, length)));
    }

    private static AddressPlace PlaceAgain(FloatingAddress wanted, params LinkAddress[] addresses) =>
        AddressRules.PlaceFor(wanted, new LinkTable([Loopback, Eth0, Eth1], addresses.ToImmutableArray()), kernelRemembers: true, wasRouted: true);

    private static (bool Routed, bool BringsRoute) Routing(AddressPlace place) => (place.Routed, place.BringsRoute);

    private static AddressPlace Place(FloatingAddress wanted, params LinkAddress[] addresses) =>
        AddressRules.PlaceFor(wanted, new LinkTable([Loopback, Eth0, Eth1], addresses.ToImmutableArray()), kernelRemembers: true);

    private static LinkAddress On(NetworkLink link, string address, int prefix) => new(link.Index, IPAddress.Parse(address), prefix, IsPermanent: true, 0);

    private static LinkAddress Ours(NetworkLink link, int prefix) => On(link, "10.0.0.50", prefix) with { IsPermanent = false, Protocol = AddressRules.Mark };
}
