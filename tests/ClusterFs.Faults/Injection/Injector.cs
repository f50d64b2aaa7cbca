using System.Text.Json;
using ClusterFs.Demo;
using ClusterFs.Faults.Rig;
using ClusterFs.Faults.Schedule;
using ClusterFs.Posix;

namespace ClusterFs.Faults.Injection;

/// <summary>Makes faults happen and undoes them. Safe for concurrent callers.</summary>
internal sealed class Injector(FaultCluster cluster)
{
    private static readonly TimeSpan MoveTimeout = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan MovePatience = TimeSpan.FromSeconds(30);

    private readonly Lock _turn = new();
    private readonly List<InjectedFault> _faults = [];
    private readonly List<PlannedMove> _moves = [];

    public IReadOnlyList<InjectedFault> Faults
    {
        get
        {
            lock (_turn)
            {
                return [.. _faults];
            }
        }
    }

    public IReadOnlyList<PlannedMove> Moves
    {
        get
        {
            lock (_turn)
            {
                return [.. _moves];
            }
        }
    }

    /// <summary>Lets a fault happen, waits, and undoes it.</summary>
    public async Task Inject(int round, PlannedFault planned, Action<string> say, CancellationToken cancelled)
    {
        await Task.Delay(planned.At, cancelled);
        var hosts = HostsOf(planned.Fault);
        var began = MachineClock.Boottime;
        say($"{planned.Fault}{Naming(planned, hosts)}");
        var undo = await Begin(planned.Fault, hosts);
        await Task.Delay(planned.For, cancelled);
        await undo();
        lock (_turn)
        {
            _faults.Add(new InjectedFault(round, planned.Fault, hosts, began, MachineClock.Boottime));
        }
    }

    private static string Naming(PlannedFault planned, IReadOnlyList<string> hosts) =>
        (hosts.Count == 0 ? "" : $" ({string.Join(", ", hosts)})")
        + (planned.For > TimeSpan.Zero ? FormattableString.Invariant($" for {planned.For.TotalSeconds:0.0} s") : "");

    private IReadOnlyList<string> HostsOf(Fault fault)
    {
        var owner = cluster.Owner;
        IReadOnlyList<string> Resolve(Target target) => target.Resolve(cluster.Site.NodeNames, owner, LocalCluster.DatabaseHost);
        return fault switch
        {
            Fault.Kill f => Resolve(f.Node),
            Fault.RestartOfEverything => Resolve(Target.Everyone),
            Fault.Pause f => Resolve(f.Node),
            Fault.Partition { Shape: Shape.Pair or Shape.Minority } f => [.. Resolve(f.Node), .. Resolve(f.Other)],
            Fault.Partition f => Resolve(f.Node),
            Fault.BadLink f => Resolve(f.Host),
            Fault.PowerCut f => Resolve(f.Node),
            Fault.DiskLoss f => Resolve(f.Node),
            Fault.SharedReadOnly f => Resolve(f.Node),
            Fault.SharedGone f => Resolve(f.Node),
            Fault.SharedHangs f => Resolve(f.Node),
            Fault.ClockJump f => Resolve(f.Node),
            Fault.PlannedMove f => Resolve(f.To),
            _ => [],
        };
    }

    /// <returns>What undoes it.</returns>
    private async Task<Func<Task>> Begin(Fault fault, IReadOnlyList<string> hosts)
    {
        var nodes = hosts.Where(host => host != LocalCluster.DatabaseHost).ToList();
        switch (fault)
        {
            case Fault.Kill { Part: Part.Everything } or Fault.RestartOfEverything:
                nodes.ForEach(node => cluster.Machine(node).KillEverything());
                return Nothing;
            case Fault.Kill kill:
                nodes.ForEach(node => cluster.Machine(node).Signal(kill.Part, Processes.SignalKill));
                return Nothing;
            case Fault.Pause pause:
                nodes.ForEach(node => Pause(node, pause.Part));
                return () => Each(nodes, node => Resume(node, pause.Part));
            case Fault.Partition partition:
                var cut = await cluster.Site.Network.Sever(Partitions.WaysOf(partition.Shape, hosts, cluster.Site.NodeNames));
                return () => cluster.Site.Network.Mend(cut);
            case Fault.BadLink link:
                var wire = await BadWire.Insert(cluster.Site.Network, hosts[0], link, cluster.Site.Directory, cluster.Site.Mark);
                return wire.Remove;
            case Fault.PowerCut:
                await Task.WhenAll(nodes.Select(node => cluster.Machine(node).PowerOff()));
                return () => Task.WhenAll(nodes.Select(node => cluster.Machine(node).PowerOn()));
            case Fault.DiskLoss:
                await Task.WhenAll(nodes.Select(node => cluster.Machine(node).PowerOff()));
                return () => Task.WhenAll(nodes.Select(node => cluster.Machine(node).PowerOn(replaceDisk: true)));
            case Fault.DatabaseDown:
                await cluster.Cluster.Postgres.Stop();
                return cluster.Cluster.Postgres.Start;
            case Fault.DatabaseHangs:
                SignalDatabase(Processes.SignalStop);
                return () => Task.Run(() => SignalDatabase(Processes.SignalContinue));
            case Fault.SharedReadOnly:
                await Task.WhenAll(nodes.Select(node => cluster.Site.Mounts[node].MakeReadOnly()));
                return () => Task.WhenAll(nodes.Select(node => cluster.Site.Mounts[node].MakeWritable()));
            case Fault.SharedFull:
                await cluster.Site.FillShared();
                return () => Task.Run(cluster.Site.EmptyShared);
            case Fault.SharedGone:
                await Task.WhenAll(nodes.Select(node => cluster.Site.Mounts[node].Break()));
                return () => Task.WhenAll(nodes.Select(node => cluster.Site.Mounts[node].Repair()));
            case Fault.SharedHangs:
                nodes.ForEach(node => cluster.Site.Mounts[node].Hang());
                return () => Each(nodes, node => cluster.Site.Mounts[node].Resume());
            case Fault.ClockJump jump:
                nodes.ForEach(node => cluster.Site.Clocks.Set(node, jump.Offset));
                return Nothing;
            case Fault.PlannedMove:
                var move = Move(nodes[0]);
                return () => move;
            default:
                throw new InvalidOperationException($"nobody knows how to do: {fault}");
        }
    }

    private void Pause(string node, Part part) => cluster.Machine(node).Signal(part, Processes.SignalStop);

    private void Resume(string node, Part part) => cluster.Machine(node).Signal(part, Processes.SignalContinue);

    private void SignalDatabase(int signal)
    {
        foreach (var process in cluster.Cluster.Mark.ProcessesOf(LocalCluster.DatabaseHost))
        {
            Processes.Signal(process, signal);
        }
    }

    private async Task Move(string to)
    {
        var began = MachineClock.Boottime;
        long? epoch = null;
        string answer;
        try
        {
            var result = await cluster.Cluster.Node(to).Clusterfs(
                MovePatience, "move", FaultCluster.Service, "--to", to, "--timeout", $"{(int)MoveTimeout.TotalSeconds}s", "--json");
            answer = (result.Output + result.Error).Trim();
            epoch = result.ExitCode == 0 ? JsonDocument.Parse(result.Output).RootElement.GetProperty("epoch").GetInt64() : null;
        }
        catch (ConditionNotMetException e)
        {
            answer = e.Message;
        }

        lock (_turn)
        {
            _moves.Add(new PlannedMove(to, began, MachineClock.Boottime, epoch, answer));
        }
    }

    private static Task Nothing() => Task.CompletedTask;

    private static Task Each(List<string> nodes, Action<string> act)
    {
        nodes.ForEach(act);
        return Task.CompletedTask;
    }
}
