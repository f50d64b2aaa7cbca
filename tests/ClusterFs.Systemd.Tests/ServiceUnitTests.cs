using ClusterFs.Systemd.Tests.Rig;
using Xunit.Abstractions;

namespace ClusterFs.Systemd.Tests;

/// <summary>A unit that is attached to its lease: where it starts, and what each way to end it leads to. docs/systemd.md says the same.</summary>
[Collection(nameof(InstalledCluster))]
public sealed class ServiceUnitTests(InstalledCluster cluster, ITestOutputHelper output)
{
    private SystemdHosts Hosts => cluster.Hosts;

    [SkippableFact]
    public async Task A_start_on_the_wrong_node_is_refused_with_the_reason_in_the_journal_of_the_unit()
    {
        await cluster.Settle();
        await Hosts.Run("n2", "journalctl --rotate --quiet; journalctl --vacuum-time=1ms --quiet");

        var start = await Hosts.Try("n2", $"systemctl start {InstalledCluster.Unit}");

        Assert.NotEqual(0, start.ExitCode);
        Assert.True(start.Took < TimeSpan.FromSeconds(5), $"{start.Took}");
        Assert.Contains(
            "refused: node n1 owns it; 'clusterfs move diary --to n2' brings it here",
            await Hosts.Run("n2", $"journalctl --sync; journalctl --no-pager -u {InstalledCluster.Unit}"),
            StringComparison.Ordinal);
        Assert.Equal("n1", await cluster.Owner());
        output.WriteLine($"refused after {start.Took.TotalMilliseconds:0} ms");
    }

    [SkippableFact]
    public async Task Stopping_the_unit_of_the_owner_moves_the_service_and_loses_nothing()
    {
        await cluster.Settle();
        var last = cluster.LastEntry();

        await Hosts.Run("n1", $"systemctl stop {InstalledCluster.Unit}");
        var gap = await cluster.UntilWrittenAfter(last, "n2", "n3");

        output.WriteLine($"nothing written for {gap.TotalSeconds:0.0} s");
        cluster.NothingIsLostSince(last);
        cluster.OneWroteAtATime();
        Assert.True(gap < TimeSpan.FromSeconds(10), $"{gap}");

        // It stood down only until the service ran elsewhere: it may have it back.
        await cluster.Until("n1", "clusterfs status diary --json | grep -q '\"lagSeconds\": *[0-9]'");
        foreach (var other in new[] { "n2", "n3" })
        {
            await Hosts.Run(other, $"systemctl stop {InstalledCluster.Unit}");
        }

        await cluster.Until("n1", "clusterfs status diary --json | grep -q '\"state\": *\"owned\"'");
    }

    [SkippableFact]
    public async Task What_runs_in_the_unit_without_a_lease_is_killed()
    {
        await cluster.Settle();

        // As if systemd had started it behind everybody's back.
        await Hosts.Run(
            "n2",
            $$"""
            group=/sys/fs/cgroup/system.slice/{{InstalledCluster.Unit}}; mkdir -p $group
            sleep 600 & echo $! > $group/cgroup.procs
            for i in $(seq 100); do kill -0 $! 2>/dev/null || exit 0; sleep 0.1; done; exit 1
            """);

        Assert.Equal("n1", await cluster.Owner());
    }

    [SkippableFact]
    public async Task A_restart_of_the_unit_keeps_the_lease()
    {
        await cluster.Settle();
        var last = cluster.LastEntry();
        var lease = await cluster.MainProcess("n1", "clusterfs-lease@diary.service");

        await Hosts.Run("n1", $"systemctl restart {InstalledCluster.Unit}");
        await cluster.UntilWrittenAfter(last, "n1");

        Assert.Equal(lease, await cluster.MainProcess("n1", "clusterfs-lease@diary.service"));
        cluster.NothingIsLostSince(last);
    }

    [SkippableFact]
    public async Task A_service_that_is_killed_goes_on_elsewhere_with_all_that_it_had()
    {
        await cluster.Settle();
        var last = cluster.LastEntry();

        await Hosts.Run("n1", $"systemctl kill -s KILL {InstalledCluster.Unit}");
        var gap = await cluster.UntilWrittenAfter(last, "n2", "n3");

        output.WriteLine($"nothing written for {gap.TotalSeconds:0.0} s");
        cluster.NothingIsLostSince(last);
        cluster.OneWroteAtATime();
    }

    [SkippableFact]
    public async Task A_move_by_command_starts_the_unit_on_its_target()
    {
        await cluster.Settle();
        var last = cluster.LastEntry();

        await Hosts.Run("n1", "clusterfs move diary --to n3");
        var gap = await cluster.UntilWrittenAfter(last, "n3");

        output.WriteLine($"nothing written for {gap.TotalSeconds:0.0} s");
        cluster.NothingIsLostSince(last);
        Assert.Equal("inactive", (await Hosts.Try("n1", $"systemctl is-active {InstalledCluster.Unit}")).Output.Trim());
    }

    [SkippableFact]
    public async Task Attach_and_detach_leave_what_they_found_and_may_be_said_twice()
    {
        await cluster.Settle();
        const string DropIn = $"/etc/systemd/system/{InstalledCluster.Unit}.d/zz-clusterfs.conf";

        Assert.Contains("already", await Hosts.Run("n3", $"clusterfs systemd attach diary diary"), StringComparison.Ordinal);
        await Hosts.Run("n3", $"clusterfs systemd detach {InstalledCluster.Unit} diary; [ ! -e $(dirname {DropIn}) ]");
        Assert.DoesNotContain("clusterfs", await Hosts.Run("n3", $"systemctl show -p BindsTo --value {InstalledCluster.Unit}"), StringComparison.Ordinal);
        Assert.Contains("not attached", await Hosts.Run("n3", $"clusterfs systemd detach {InstalledCluster.Unit} diary"), StringComparison.Ordinal);
        await Hosts.Run("n3", $"clusterfs systemd attach {InstalledCluster.Unit} diary");

        var running = await Hosts.Try("n1", $"clusterfs systemd detach {InstalledCluster.Unit} diary");
        Assert.Equal(3, running.ExitCode);
        Assert.Contains("is running; systemctl stop", running.Error, StringComparison.Ordinal);
        Assert.Equal(2, (await Hosts.Try("n1", "clusterfs systemd attach cron.service diary")).ExitCode);
    }
}
