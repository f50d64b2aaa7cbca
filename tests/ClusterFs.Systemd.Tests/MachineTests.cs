using ClusterFs.Systemd.Tests.Rig;
using Xunit.Abstractions;

namespace ClusterFs.Systemd.Tests;

/// <summary>What becomes of the service when parts of its node, or all of it, end.</summary>
[Collection(nameof(InstalledCluster))]
public sealed class MachineTests(InstalledCluster cluster, ITestOutputHelper output)
{
    private SystemdHosts Hosts => cluster.Hosts;

    [SkippableFact]
    public async Task The_shutdown_of_the_owner_is_a_planned_move()
    {
        await cluster.Settle();
        var last = cluster.LastEntry();

        await Hosts.Run("n1", "systemctl poweroff --no-block");
        try
        {
            var gap = await cluster.UntilWrittenAfter(last, "n2", "n3");
            await Hosts.UntilOff("n1");
            output.WriteLine($"nothing written for {gap.TotalSeconds:0.0} s");
            cluster.NothingIsLostSince(last);
            cluster.OneWroteAtATime();
        }
        finally
        {
            await Hosts.SwitchOn("n1");
        }
    }

    [SkippableFact]
    public async Task A_power_cut_of_the_owner_is_a_failover()
    {
        await cluster.Settle();
        var last = cluster.LastEntry();

        await Hosts.CutPower("n1");
        try
        {
            var gap = await cluster.UntilWrittenAfter(last, "n2", "n3");
            output.WriteLine($"nothing written for {gap.TotalSeconds:0.0} s");
            Assert.True(gap < TimeSpan.FromSeconds(15), $"{gap}");
            cluster.OneWroteAtATime();
        }
        finally
        {
            await Hosts.SwitchOn("n1");
        }
    }

    [SkippableFact]
    public async Task A_node_that_is_cut_off_stops_its_unit_before_another_starts_it()
    {
        await cluster.Settle();
        var daemon = await cluster.MainProcess("n1", "clusterfs");
        var last = cluster.LastEntry();

        await Hosts.Isolate("n1");
        try
        {
            var gap = await cluster.UntilWrittenAfter(last, "n2", "n3");
            output.WriteLine($"nothing written for {gap.TotalSeconds:0.0} s");
            await cluster.Until("n1", "journalctl --no-pager -u clusterfs | grep -q 'the actor system ended by itself'");
        }
        finally
        {
            await Hosts.Rejoin("n1");
        }

        cluster.OneWroteAtATime();

        // However its daemon takes being cut off: it starts again within its process, which is no end of it.
        await cluster.UntilWarm();
        Assert.Equal("active", (await Hosts.Try("n1", "systemctl is-active clusterfs")).Output.Trim());
        Assert.Equal(daemon, await cluster.MainProcess("n1", "clusterfs"));
    }

    [SkippableTheory]
    [InlineData("systemctl restart clusterfs")]
    [InlineData("systemctl kill -s KILL clusterfs")]
    public async Task Without_its_daemon_for_a_while_the_service_runs_on(string end)
    {
        await cluster.Settle();
        var service = await cluster.MainProcess("n1", InstalledCluster.Unit);

        await Hosts.Run("n1", end);
        await cluster.Until("n1", "clusterfs status diary --json | grep -q '\"state\": *\"owned\"'");

        Assert.Equal(service, await cluster.MainProcess("n1", InstalledCluster.Unit));
    }

    [SkippableFact]
    public async Task The_end_of_the_guard_ends_the_service_at_once_and_it_runs_again_by_itself()
    {
        await cluster.Settle();
        var last = cluster.LastEntry();

        await Hosts.Run("n1", "systemctl kill -s KILL clusterfs-guard");
        var gap = await cluster.UntilWrittenAfter(last, InstalledCluster.Nodes);

        output.WriteLine($"nothing written for {gap.TotalSeconds:0.0} s");
        cluster.OneWroteAtATime();
        await cluster.Until("n1", "systemctl is-active clusterfs-guard");
    }

    [SkippableFact]
    public async Task A_guard_that_stands_still_loses_its_service_in_time_and_is_replaced_by_the_watchdog()
    {
        await cluster.Settle();
        var last = cluster.LastEntry();
        var guard = await cluster.MainProcess("n1", "clusterfs-guard");

        await Hosts.Run("n1", "systemctl kill --kill-whom=main -s STOP clusterfs-guard");
        var gap = await cluster.UntilWrittenAfter(last, "n2", "n3");

        output.WriteLine($"nothing written for {gap.TotalSeconds:0.0} s");
        cluster.OneWroteAtATime();
        await cluster.Until("n1", $"systemctl is-active clusterfs-guard && [ $(systemctl show --property=MainPID --value clusterfs-guard) != {guard} ]");
    }

    [SkippableFact]
    public async Task A_restart_of_the_guard_moves_its_services_first()
    {
        await cluster.Settle();
        var last = cluster.LastEntry();

        await Hosts.Run("n1", "systemctl restart clusterfs-guard");
        await cluster.UntilWrittenAfter(last, InstalledCluster.Nodes);

        cluster.NothingIsLostSince(last);
        cluster.OneWroteAtATime();
    }
}
