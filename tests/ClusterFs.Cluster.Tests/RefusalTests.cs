using ClusterFs.Cluster.Tests.Bench;
using ClusterFs.Posix;

namespace ClusterFs.Cluster.Tests;

[Collection(OneCluster.Name)]
public sealed class RefusalTests(ClusterBench bench)
{
    private const int Refused = 3;

    public static TheoryData<string[]> Starts => new()
    {
        { ["acquire", ClusterBench.Guestbook] },
        { ["run", ClusterBench.Guestbook, "--no-wait", "--", "sh", "-c", "echo it runs"] },
    };

    [Theory]
    [MemberData(nameof(Starts))]
    public async Task A_start_on_a_node_that_does_not_own_the_service_is_refused_and_names_the_owner(string[] command)
    {
        var owner = await bench.Settle();
        await using var load = await bench.Load(owner);
        var other = bench.Cluster.Except(owner).First();
        var waiting = other.Runs[ClusterBench.Guestbook];
        waiting.Signal(Processes.SignalTerminate);
        await waiting.UntilExit(TimeSpan.FromSeconds(10));

        var began = MachineClock.Boottime;
        var result = await other.Clusterfs(command);

        Assert.True(result.ExitCode == Refused, $"{result}");
        Assert.Contains(owner.Name, result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("it runs", result.Output, StringComparison.Ordinal);
        Assert.Empty(other.ProcessesOf(ClusterBench.Guestbook));
        await load.StayedUntouchedSince(began);
    }
}
