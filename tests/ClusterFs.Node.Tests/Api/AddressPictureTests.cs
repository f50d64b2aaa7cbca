using System.Net;
using ClusterFs.Api;
using ClusterFs.Configuration;
using ClusterFs.Guard.Addresses;
using ClusterFs.Lease.Holder;
using ClusterFs.Node.Api;
using ClusterFs.Node.Guards;

namespace ClusterFs.Node.Tests.Api;

public sealed class AddressPictureTests
{
    private static readonly FloatingAddress Address = new(IPAddress.Parse("10.0.0.50"), 24, null);
    private static readonly AddressFitness Fit = new("eth0", false, null);
    private static readonly GuardReport Idle = new(true, null, 0, 0, 0, null, null, null, null);

    [Fact]
    public void What_the_guard_has_put_on_is_on_with_its_interface_and_for_how_long()
    {
        var guard = Idle with { Phase = LeasePhase.Running, AddressesOn = ["10.0.0.50/24 on eth0"], AddressesOnSince = TimeSpan.FromSeconds(100) };

        var report = Look(guard, Fit with { IsOn = true });
        Assert.Equal(("10.0.0.50/24", "n1", true, "eth0", 12.5), (report.Address, report.Node, report.On, report.Interface, report.OnForSeconds));
        Assert.Null(Look(guard with { AddressesOnSince = null }, Fit with { IsOn = true }).OnForSeconds);

        // The guard hears of it with the next renewal, and one that stands still never.
        Says(Look(guard, Fit), "the guard says it is on eth0, and the kernel does not have it");
    }

    [Fact]
    public void What_is_not_on_is_told_with_why_not()
    {
        Says(Look(Idle, Fit), "goes on eth0 when wiki runs here");
        Says(Look(null, Fit), "goes on eth0 when wiki runs here");
        Says(Look(Idle, new AddressFitness(null, false, "eth0 is down")), "could not be put on: eth0 is down");
        Says(Look(Idle with { Phase = LeasePhase.Running, AddressProblem = "not permitted" }, Fit), "is to be on, and cannot be: not permitted");
        Says(Look(Idle, Fit with { IsOn = true }), "on its way on or off eth0");
        Says(Look(null, Fit with { IsOn = true }), "the guard does not answer");
        Says(Look(null, Fit, "n9"), "services.wiki.nodes does not name this node");
    }

    private static void Says(AddressStandingReport report, string words)
    {
        Assert.False(report.On);
        Assert.Null(report.OnForSeconds);
        Assert.Contains(words, report.Text, StringComparison.Ordinal);
    }

    private static AddressStandingReport Look(GuardReport? guard, AddressFitness fitness, string node = "n1") => Assert.Single(
        AddressPicture.Draw(Service(), node, guard, _ => fitness, TimeSpan.FromSeconds(112.5)));

    private static ServiceSettings Service() =>
        new("wiki", ["n1", "n2"], null!, null, null, new FailoverSettings(5, TimeSpan.FromMinutes(10)), TimeSpan.FromSeconds(10), OnLost.Kill) { Addresses = [Address] };
}
