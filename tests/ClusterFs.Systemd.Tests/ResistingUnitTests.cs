using ClusterFs.Systemd.Tests.Rig;
using Xunit.Abstractions;

namespace ClusterFs.Systemd.Tests;

/// <summary>A service that does not end when it is asked to: the guard has to find it and kill it.</summary>
[Collection(nameof(InstalledCluster))]
public sealed class ResistingUnitTests(InstalledCluster cluster, ITestOutputHelper output)
{
    /// <summary>Nor what was started here while it was to: that is started anew, where it may be.</summary>
    private const string ResistsNoMore = $"rm -f /run/diary-*; systemctl try-restart {InstalledCluster.Unit} || :";

    private SystemdHosts Hosts => cluster.Hosts;

    [SkippableTheory]
    [InlineData("ignores-sigterm")]
    [InlineData("takes-its-time")]
    public async Task A_move_waits_for_its_end_and_loses_nothing(string manner)
    {
        await cluster.Settle();
        await cluster.Behave("n1", manner);
        try
        {
            await cluster.UntilItRuns("n1");
            var last = cluster.LastEntry();

            await Hosts.Run("n1", "clusterfs move diary --to n2");
            var gap = await cluster.UntilWrittenAfter(last, "n2");

            output.WriteLine($"nothing written for {gap.TotalSeconds:0.0} s");
            cluster.NothingIsLostSince(last);
            cluster.OneWroteAtATime();
        }
        finally
        {
            await Hosts.Run("n1", ResistsNoMore);
        }
    }

    [SkippableTheory]
    [InlineData("systemctl kill -s KILL clusterfs-guard")]
    [InlineData("systemctl kill -s KILL clusterfs-lease@diary")]
    [InlineData("systemctl kill -s KILL clusterfs-guard clusterfs-lease@diary")]
    public async Task It_is_killed_before_it_runs_again_whoever_died_that_held_its_lease(string end)
    {
        await cluster.Settle();
        await cluster.Behave("n1", "ignores-sigterm");
        try
        {
            await cluster.UntilItRuns("n1");
            var last = cluster.LastEntry();

            await Hosts.Run("n1", end);
            var gap = await cluster.UntilWrittenAfter(last, InstalledCluster.Nodes);

            output.WriteLine($"nothing written for {gap.TotalSeconds:0.0} s");
            cluster.OneWroteAtATime();
        }
        finally
        {
            await Hosts.Run("n1", ResistsNoMore);
        }
    }

    [SkippableFact]
    public async Task It_is_killed_before_another_node_has_it_when_its_node_is_cut_off()
    {
        await cluster.Settle();
        await cluster.Behave("n1", "ignores-sigterm");
        try
        {
            await cluster.UntilItRuns("n1");
            var last = cluster.LastEntry();

            await Hosts.Isolate("n1");
            await cluster.UntilWrittenAfter(last, "n2", "n3");

            cluster.OneWroteAtATime();
        }
        finally
        {
            await Hosts.Rejoin("n1");
            await Hosts.Run("n1", ResistsNoMore);
        }
    }
}
