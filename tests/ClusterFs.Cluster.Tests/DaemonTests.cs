using System.Text.Json;
using ClusterFs.Cluster.Tests.Bench;
using ClusterFs.Demo;
using ClusterFs.Demo.Status;
using ClusterFs.Posix;

namespace ClusterFs.Cluster.Tests;

[Collection(OneCluster.Name)]
public sealed class DaemonTests(ClusterBench bench)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_killed_daemon_leaves_the_service_alone_and_a_restarted_one_finds_it()
    {
        var owner = await bench.Settle();
        await using var load = await bench.Load(owner);
        var before = await Dumped(service => service.IsOwned);
        var processes = owner.ProcessesOf(ClusterBench.Guestbook).Order();

        owner.Daemon!.Signal(Processes.SignalKill);
        await owner.Daemon.UntilExit(Patience);
        var killed = MachineClock.Boottime;
        await load.StaysUntouchedFor(ClusterBench.Ttl * 2);
        owner.StartDaemon();
        await Dumped(service => service.Owner == owner.Name && service.LastDump!.Sequence > before.LastDump!.Sequence);

        await load.StayedUntouchedSince(killed);
        var after = await Dumped(service => service.IsOwned);
        Assert.Equal((before.Owner, before.Epoch), (after.Owner, after.Epoch));
        Assert.Subset(owner.ProcessesOf(ClusterBench.Guestbook).ToHashSet(), processes.Where(IsLasting).ToHashSet());
    }

    [Fact]
    public async Task A_frozen_daemon_leaves_the_service_alone()
    {
        var owner = await bench.Settle();
        await using var load = await bench.Load(owner);
        var before = await Dumped(service => service.IsOwned);

        var began = MachineClock.Boottime;
        owner.Daemon!.Signal(Processes.SignalStop);
        try
        {
            await load.StaysUntouchedFor(ClusterBench.Ttl * 2);
        }
        finally
        {
            owner.Daemon.Signal(Processes.SignalContinue);
        }

        // A daemon that was away for long may find itself removed from the cluster, and ends in order to come back.
        if (await Task.WhenAny(owner.Daemon.UntilExit(Patience), DumpedAfter(before)) is Task<int> ended)
        {
            await ended;
            owner.StartDaemon();
        }

        await DumpedAfter(before);
        await load.StayedUntouchedSince(began);
    }

    [Fact]
    public async Task A_terminated_daemon_stops_the_service_dumps_and_releases_so_that_nothing_is_lost()
    {
        var owner = await bench.Settle();
        await using var load = await bench.Load(owner);
        var before = await Dumped(service => service.IsOwned);

        var began = MachineClock.Boottime;
        owner.Daemon!.Signal(Processes.SignalTerminate);
        var next = await load.UntilTakenOverFrom(owner);
        Assert.Equal(0, await owner.Daemon.UntilExit(Patience));

        Assert.Empty(owner.ProcessesOf(ClusterBench.Guestbook));
        await load.LostNothing(next);
        var outage = load.Writer.LongestOutageSince(began);
        bench.ShorterThan(ClusterBench.LongestTakeover, outage);
        Assert.Contains((before.Epoch, "released"), await History(next));
        bench.Beats.NeverOverlapped(ClusterBench.Guestbook, runsAtLeast: 2);
    }

    private static async Task<IReadOnlyList<(long Epoch, string Event)>> History(ClusterNode node)
    {
        var json = (await node.Clusterfs("history", ClusterBench.Guestbook, "--json")).Successful().Output;
        using var document = JsonDocument.Parse(json);
        return [.. document.RootElement.GetProperty("entries").EnumerateArray()
            .Where(entry => entry.GetProperty("epoch").ValueKind == JsonValueKind.Number)
            .Select(entry => (entry.GetProperty("epoch").GetInt64(), entry.GetProperty("event").GetString()!))];
    }

    /// <summary>The beating shell comes and goes with its naps; the service and the shells themselves last.</summary>
    private static bool IsLasting(int process)
    {
        var name = $"/proc/{process}/comm";
        return File.Exists(name) && File.ReadAllText(name).Trim() != "sleep";
    }

    private Task<ServiceStatus> DumpedAfter(ServiceStatus before) =>
        Dumped(service => service.Epoch == before.Epoch && service.LastDump!.Sequence > before.LastDump!.Sequence);

    private Task<ServiceStatus> Dumped(Func<ServiceStatus, bool> holds) => bench.Cluster.UntilService(
        ClusterBench.Guestbook, "has a (newer) dump", Patience, service => service.LastDump is not null && holds(service));
}
