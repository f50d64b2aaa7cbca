using ClusterFs.Cluster.Tests.Bench;
using ClusterFs.Posix;

namespace ClusterFs.Cluster.Tests;

[Collection(OneCluster.Name)]
public sealed class SharedStorageTests(ClusterBench bench)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(40);

    [Fact]
    public async Task While_the_shared_directory_is_away_the_service_runs_on_and_status_says_that_dumps_fail()
    {
        var owner = await bench.Settle();
        await using var load = await bench.Load(owner);
        var before = await bench.Cluster.UntilService(
            ClusterBench.Guestbook, "has a dump", Patience, service => service.LastDump is not null);
        var away = $"{bench.Cluster.SharedDirectory}.away";

        var began = MachineClock.Boottime;
        Directory.Move(bench.Cluster.SharedDirectory, away);
        try
        {
            await bench.Cluster.UntilService(
                ClusterBench.Guestbook, "says that dumps fail", Patience, service => service.Dump is { Ok: false, Error.Length: > 0 });
            await load.StaysUntouchedFor(TimeSpan.FromSeconds(30));
            await bench.Cluster.UntilService(
                ClusterBench.Guestbook,
                "says that the standbys do not follow",
                Patience,
                service => service.Standbys.Count == 2 && service.Standbys.All(standby => standby.Problem is not null));
        }
        finally
        {
            Directory.Move(away, bench.Cluster.SharedDirectory);
        }

        await bench.Cluster.UntilService(
            ClusterBench.Guestbook,
            "dumps again",
            Patience,
            service => service.Dump is { Ok: true }
                && service.LastDump?.Sequence > before.LastDump!.Sequence
                && service.Epoch == before.Epoch);
        await bench.Cluster.UntilService(
            ClusterBench.Guestbook,
            "has standbys that follow again",
            Patience,
            service => service.Standbys.Count == 2
                && service.Standbys.All(standby => standby.Problem is null && standby.Sequence > before.LastDump!.Sequence));
        await load.StayedUntouchedSince(began);
    }
}
