using System.Text.Json;
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

    private readonly string _directory = Directory.CreateTempSubdirectory("clusterfs-agent-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task A_hung_owner_is_cut_off_once_and_its_success_ends_the_wait()
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
        owner.Guard!.Signal(Processes.SignalStop);
        owner.Daemon!.Signal(Processes.SignalStop);
        owner.Runs[ClusterBench.Guestbook].Signal(Processes.SignalStop);
        var next = await load.UntilTakenOverFrom(owner);
        using var history = JsonDocument.Parse((await next.Clusterfs("history", ClusterBench.Guestbook, "--json")).Successful().Output);
        var entries = history.RootElement.GetProperty("entries").EnumerateArray().ToList();
        var cut = entries.FindIndex(entry => entry.GetProperty("event").GetString() == "power-fenced");
        Assert.Contains($"the fence command for {owner.Name} succeeded", entries[cut].GetProperty("text").GetString(), StringComparison.Ordinal);
        Assert.Equal("fencing", entries[cut - 1].GetProperty("event").GetString());
        Assert.Equal(("granted", next.Name), (entries[cut + 1].GetProperty("event").GetString(), entries[cut + 1].GetProperty("node").GetString()));
        Assert.InRange(
            entries[cut + 1].GetProperty("at").GetDateTimeOffset() - entries[cut].GetProperty("at").GetDateTimeOffset(), TimeSpan.Zero, TimeSpan.FromSeconds(2));
        Assert.Equal($"reboot {owner.Name}\n", File.ReadAllText(Path.Combine(_directory, "fenced")));
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
