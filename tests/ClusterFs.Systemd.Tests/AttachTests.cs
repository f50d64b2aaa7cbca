using ClusterFs.Systemd.Tests.Rig;

namespace ClusterFs.Systemd.Tests;

/// <summary>What attach, detach and the last look before a start refuse, because nobody could stop it with the lease.</summary>
[Collection(nameof(InstalledCluster))]
public sealed class AttachTests(InstalledCluster cluster)
{
    private SystemdHosts Hosts => cluster.Hosts;

    [SkippableTheory]
    [InlineData("alias", "alias.service is another name of real.service")]
    [InlineData("frame", "frame.service is of Type=oneshot")]
    public async Task A_unit_whose_processes_would_not_be_found_is_refused(string service, string reason)
    {
        await cluster.Settle();

        var attach = await Hosts.Try("n3", $"clusterfs systemd attach {service}.service {service}");

        Assert.Equal(3, attach.ExitCode);
        Assert.Contains(reason, attach.Error, StringComparison.Ordinal);
        Assert.NotEqual(0, (await Hosts.Try("n3", $"ls -d /etc/systemd/system/{service}.service.d")).ExitCode);
    }

    [SkippableFact]
    public async Task A_unit_that_was_attached_by_another_name_behind_our_back_does_not_start()
    {
        await cluster.Settle();
        await WriteDropIn("n3", "alias.service", "alias");
        try
        {
            var start = await Hosts.Try("n3", "systemctl start alias.service");

            Assert.NotEqual(0, start.ExitCode);
            Assert.Equal("0", await cluster.MainProcess("n3", "real.service"));
            Assert.Contains(
                "what runs in it is not found by the name alias.service",
                await Hosts.Run("n3", "journalctl --sync; journalctl --no-pager -u real.service"),
                StringComparison.Ordinal);
        }
        finally
        {
            await RemoveDropIn("n3", "alias.service");
        }
    }

    [SkippableFact]
    public async Task A_unit_that_the_running_guard_does_not_know_is_neither_attached_nor_started()
    {
        await cluster.Settle();
        const string Configuration = "/srv/shared/clusterfs/cluster.conf";
        await Hosts.Run("n3", $"cp {Configuration} /root/before; sed -i 's/unit = spare.service/unit = real.service/' {Configuration}");
        await WriteDropIn("n3", "real.service", "spare");
        try
        {
            var attach = await Hosts.Try("n3", "clusterfs systemd attach real.service spare");
            Assert.Equal(3, attach.ExitCode);
            Assert.Contains("the guard that runs does not know yet that spare runs as real.service", attach.Error, StringComparison.Ordinal);

            Assert.NotEqual(0, (await Hosts.Try("n3", "systemctl start real.service")).ExitCode);
            Assert.Equal("0", await cluster.MainProcess("n3", "real.service"));
            Assert.Contains(
                "the guard that runs would stop spare.service, not real.service",
                await Hosts.Run("n3", "journalctl --sync; journalctl --no-pager -u real.service"),
                StringComparison.Ordinal);
        }
        finally
        {
            await Hosts.Run("n3", $"cat /root/before > {Configuration}");
            await RemoveDropIn("n3", "real.service");
        }
    }

    [SkippableFact]
    public async Task A_start_that_waits_for_its_lease_is_not_let_go_by_detach()
    {
        await cluster.Settle();
        try
        {
            await Hosts.Run("n3", "systemctl stop clusterfs; clusterfs systemd attach spare.service spare; systemctl start --no-block spare.service");
            await cluster.Until("n3", "systemctl is-active clusterfs-lease@spare.service | grep -x activating");

            var detach = await Hosts.Try("n3", "clusterfs systemd detach spare.service spare");

            Assert.Equal(3, detach.ExitCode);
            Assert.Contains("waits for its lease", detach.Error, StringComparison.Ordinal);
            Assert.Contains("clusterfs-lease@spare", await Hosts.Run("n3", "systemctl show -p BindsTo --value spare.service"), StringComparison.Ordinal);

            await Hosts.Run("n3", "systemctl stop spare.service clusterfs-lease@spare.service; clusterfs systemd detach spare.service spare");
            Assert.Equal("inactive", (await Hosts.Try("n3", "systemctl is-active spare.service")).Output.Trim());
        }
        finally
        {
            await Hosts.Run("n3", "systemctl stop spare.service clusterfs-lease@spare.service || :; detached=0; clusterfs systemd detach spare.service spare || detached=$?; systemctl start clusterfs; exit $detached");
        }
    }

    [SkippableFact]
    public async Task A_drop_in_that_systemd_has_not_read_is_read_and_an_enabled_unit_is_refused()
    {
        await cluster.Settle();
        await Hosts.Run(
            "n3",
            """
            printf '[Install]\nWantedBy=multi-user.target\n' >> /etc/systemd/system/spare.service; systemctl enable -q spare.service
            ! clusterfs systemd attach spare.service spare 2> /run/said; grep -q 'systemctl disable spare.service' /run/said
            systemctl disable -q spare.service
            """);
        await Hosts.Run("n3", "systemctl stop clusterfs"); // Nobody grants it.
        try
        {
            await Hosts.Run(
                "n3",
                """
                clusterfs systemd attach spare.service spare; d=/etc/systemd/system/spare.service.d
                cp $d/zz-clusterfs.conf /run/kept; rm $d/zz-clusterfs.conf; systemctl daemon-reload; cp /run/kept $d/zz-clusterfs.conf
                clusterfs systemd attach spare.service spare
                systemctl show -p BindsTo --value spare.service | grep -q clusterfs-lease@spare
                """);
        }
        finally
        {
            await Hosts.Run("n3", "detached=0; clusterfs systemd detach spare.service spare || detached=$?; systemctl start clusterfs; exit $detached");
        }
    }

    [SkippableFact]
    public async Task A_mistake_in_the_shared_configuration_keeps_no_service_from_being_restarted()
    {
        await cluster.Settle();
        const string Configuration = "/srv/shared/clusterfs/cluster.conf";
        await Hosts.Run("n1", $"cp {Configuration} /root/before; echo 'clusterfs.no-such-key = 1' >> {Configuration}");
        try
        {
            await Hosts.Run("n1", $"systemctl restart {InstalledCluster.Unit}");
            await cluster.UntilItRuns("n1");
            var last = cluster.LastEntry();

            // Nor from going on elsewhere.
            await Hosts.Run("n1", $"systemctl stop {InstalledCluster.Unit}");
            await cluster.UntilWrittenAfter(last, "n2", "n3");
        }
        finally
        {
            await Hosts.Run("n1", $"cat /root/before > {Configuration}");
        }
    }

    /// <summary>As configuration management, or somebody with an editor, would.</summary>
    private Task<string> WriteDropIn(string host, string unit, string service) => Hosts.Run(
        host,
        $"""
        mkdir -p /etc/systemd/system/{unit}.d
        sed 's/diary.service/{unit}/g; s/lease@{unit}/lease@{service}.service/g; s/diary/{service}/g' \
          /etc/systemd/system/{InstalledCluster.Unit}.d/zz-clusterfs.conf > /etc/systemd/system/{unit}.d/zz-clusterfs.conf
        systemctl daemon-reload
        """);

    private Task<string> RemoveDropIn(string host, string unit) => Hosts.Run(
        host,
        $"systemctl stop {unit} 'clusterfs-lease@spare.service' 'clusterfs-lease@alias.service'; rm -r /etc/systemd/system/{unit}.d; systemctl daemon-reload");
}
