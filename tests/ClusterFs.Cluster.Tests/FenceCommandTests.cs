using ClusterFs.Cluster.Tests.Bench;
using ClusterFs.Demo;
using ClusterFs.Demo.Layout;
using ClusterFs.Demo.Processes;
using ClusterFs.Posix;

namespace ClusterFs.Cluster.Tests;

/// <summary>A fence agent that really ends whatever runs on a node, and a node that hangs as a whole while its service writes on.</summary>
public sealed class FenceCommandTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);
    private static readonly TimeSpan Ttl = TimeSpan.FromSeconds(20);

    /// <summary>The promises to an owner end, at the earliest, so long after it vanished.</summary>
    private static readonly TimeSpan EarliestExpiry = Ttl * 0.75;

    private readonly string _directory = Directory.CreateTempSubdirectory("clusterfs-agent-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task Its_success_ends_the_wait_for_a_lease_whose_owner_hangs()
    {
        var agent = Path.Combine(_directory, "agent");
        var binaries = Binaries.Find();
        var beats = new Beats(Path.Combine(_directory, "beats"));
        await using var cluster = await LocalCluster.Create(new LocalClusterOptions
        {
            Name = "fence",
            Ttl = Ttl,
            FailoverMax = 0,
            FenceCommand = agent,
            Binaries = binaries,
            Services = [GuestbookService.Create(binaries, TimeSpan.FromSeconds(1), node => beats.Around(node, ClusterBench.Guestbook, "plain"))],
        });
        WriteAgent(agent, cluster.Mark);
        foreach (var node in cluster.Nodes)
        {
            node.Start();
        }

        await cluster.UntilComplete(Patience);
        foreach (var node in cluster.Nodes)
        {
            node.StartRun(ClusterBench.Guestbook);
        }

        var owner = cluster.Node((await cluster.UntilService(
            ClusterBench.Guestbook,
            "runs",
            Patience,
            service => service.IsOwned && cluster.Node(service.Owner!).ProcessesOf(ClusterBench.Guestbook).Count > 0)).Owner!);
        await using var load = await Load.Start(cluster, owner);

        // An actor that has just granted or recovered believes no silence for a TTL.
        await load.StaysUntouchedFor(Ttl);
        var hung = MachineClock.Boottime;
        owner.Guard!.Signal(Processes.SignalStop);
        owner.Daemon!.Signal(Processes.SignalStop);
        owner.Runs[ClusterBench.Guestbook].Signal(Processes.SignalStop);
        var next = await load.UntilTakenOverFrom(owner);
        var took = load.Writer.Acknowledged[^1].AcknowledgedAt - hung;

        var history = (await next.Clusterfs("history", ClusterBench.Guestbook)).Successful().Output;
        Assert.Contains($"the fence command for {owner.Name} succeeded", history, StringComparison.Ordinal);
        Assert.Equal($"reboot {owner.Name}\n", File.ReadAllText(Path.Combine(_directory, "fenced")));
        Assert.True(took < EarliestExpiry, $"taken over after {took}{Environment.NewLine}{history}{Environment.NewLine}{cluster.Evidence()}");
        beats.NeverOverlapped(ClusterBench.Guestbook, runsAtLeast: 2);
    }

    /// <summary>What the agent kills is found by the mark that every process of a node inherits; it answers when none is left.</summary>
    private void WriteAgent(string file, ProcessMark mark)
    {
        File.WriteAllText(file, $$"""
            #!/bin/bash
            while IFS== read -r key value; do
              case $key in action) action=$value;; nodename) node=$value;; esac
            done
            echo "$action $node" >> {{_directory}}/fenced
            mine="{{ProcessMark.Variable}}={{mark.ValueFor("")}}$node"
            while :; do
              left=0
              for environ in $(grep -lsz "^$mine\$" /proc/[0-9]*/environ); do
                left=1; process=${environ#/proc/}; kill -KILL "${process%/environ}" 2>/dev/null
              done
              [ $left = 0 ] && exit 0
            done

            """);
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }
}
