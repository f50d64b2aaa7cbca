using ClusterFs.Demo;
using ClusterFs.Demo.Layout;
using ClusterFs.Demo.Status;
using ClusterFs.Demo.Writing;
using ClusterFs.Posix;

namespace ClusterFs.Cluster.Tests.Bench;

/// <summary>A client that writes all the time, and somebody who watches status, for the length of one test.</summary>
internal sealed class Load : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly LocalCluster _cluster;

    private Load(LocalCluster cluster, ClusterNode owner)
    {
        _cluster = cluster;
        Writer = new AcknowledgedWriter(
            Guid.NewGuid().ToString("N"),
            [GuestbookService.AddressOn(owner), .. cluster.Except(owner).Select(GuestbookService.AddressOn)]);
        Watch = new RiskWatch(cluster, GuestbookService.Name);
    }

    public AcknowledgedWriter Writer { get; }

    public RiskWatch Watch { get; }

    /// <summary>Writes are being acknowledged when this returns.</summary>
    public static async Task<Load> Start(LocalCluster cluster, ClusterNode owner)
    {
        var load = new Load(cluster, owner);
        await load.Writer.UntilAcknowledged(TimeSpan.Zero, Patience, cluster.Evidence);
        return load;
    }

    /// <summary>Until the owner's death costs something. Its daemon is frozen when this returns.</summary>
    public Task UntilALossIsCertain(ClusterNode owner) =>
        CertainLoss.Await(owner, Writer, Watch, TimeSpan.FromSeconds(1), Patience, _cluster.Evidence);

    /// <summary>Waits until another node acknowledges a row.</summary>
    /// <returns>That node.</returns>
    public async Task<ClusterNode> UntilTakenOverFrom(ClusterNode node)
    {
        var address = GuestbookService.AddressOn(node);
        await Eventually.True(
            $"a node other than {node.Name} acknowledges rows", Patience, () => Writer.Acknowledged[^1].By != address, _cluster.Evidence);
        return _cluster.Nodes.First(candidate => GuestbookService.AddressOn(candidate) == Writer.Acknowledged[^1].By);
    }

    /// <summary>Every write of a length of time was acknowledged.</summary>
    public async Task StaysUntouchedFor(TimeSpan duration)
    {
        var began = MachineClock.Boottime;
        await Task.Delay(duration);
        await StayedUntouchedSince(began);
    }

    public async Task StayedUntouchedSince(TimeSpan began)
    {
        await Writer.UntilAcknowledged(MachineClock.Boottime, Patience, _cluster.Evidence);
        var outage = Writer.LongestOutageSince(began);
        Assert.True(outage is null, $"writes failed for {outage?.Duration}{Environment.NewLine}{_cluster.Evidence()}");
    }

    /// <summary>No row of this load is missing where the service runs now.</summary>
    public async Task LostNothing(ClusterNode owner)
    {
        var missing = await Writer.MissingAt(GuestbookService.AddressOn(owner));
        Assert.True(missing.Count == 0, $"{missing.Count} acknowledged rows are lost, such as {string.Join(", ", missing.Take(3))}");
    }

    public async ValueTask DisposeAsync()
    {
        await Watch.DisposeAsync();
        await Writer.DisposeAsync();
    }
}
