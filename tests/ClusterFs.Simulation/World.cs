using System.Collections.Immutable;
using ClusterFs.Lease.Holder;
using ClusterFs.Lease.Ownership;
using ClusterFs.Lease.Voter;

namespace ClusterFs.Simulation;

/// <summary>Hosts, processes, network and journal of one run.</summary>
public sealed class World
{
    public const string Service = "wiki";

    private readonly Dictionary<string, Host> _hosts = new(StringComparer.Ordinal);
    private readonly Dictionary<string, GuardDisk> _disks = new(StringComparer.Ordinal);
    private readonly Dictionary<string, GuardProcess> _guards = new(StringComparer.Ordinal);
    private readonly List<OwnershipProcess> _incarnations = [];

    public World(SimulationSettings settings, bool trace)
    {
        Settings = settings;
        Random = new SeededRandom(settings.Seed);
        Trace = new Trace(Schedule, trace);
        Network = new Network(Schedule, Random);
        Journal = new SimulatedJournal(Random);
        Writers = new WriterLedger(Schedule, Trace);
        Voters = [.. Enumerable.Range(1, settings.Nodes).Select(number => $"n{number}")];
        foreach (var name in Voters)
        {
            _hosts[name] = new Host(name, Random, Schedule);
            _disks[name] = new GuardDisk(Random, settings.Timings);
            StartGuard(name);
            Schedule.After(Random.Between(TimeSpan.Zero, TimeSpan.FromMilliseconds(500)), () => Report(name));
        }

        StartIncarnation(Random.Pick(Voters));
    }

    public SimulationSettings Settings { get; }

    public Schedule Schedule { get; } = new();

    public SeededRandom Random { get; }

    public Trace Trace { get; }

    public Network Network { get; }

    public SimulatedJournal Journal { get; }

    public WriterLedger Writers { get; }

    public ImmutableSortedSet<string> Voters { get; }

    public TimeSpan Now => Schedule.Now;

    public TimeSpan JournalLatency { get; set; } = TimeSpan.FromMilliseconds(5);

    public IReadOnlyList<OwnershipProcess> Incarnations => _incarnations;

    public GuardProcess? Guard(string node) => _guards.TryGetValue(node, out var guard) && !guard.Dead ? guard : null;

    public TimeSpan JournalDelay() => Random.Between(TimeSpan.FromMicroseconds(200), JournalLatency);

    public void StartGuard(string node)
    {
        if (_guards.TryGetValue(node, out var former))
        {
            former.Kill();
            former.Sweep();
        }

        Trace.Write(node, "a guard starts");
        _guards[node] = new GuardProcess(this, _hosts[node], _disks[node]);
    }

    public void KillGuard(string node)
    {
        Trace.Write(node, "the guard is killed");
        _guards[node].Kill();
    }

    public void WipeDisk(string node)
    {
        Trace.Write(node, "the voter's state is lost");
        _disks[node].Wipe();
    }

    public void StartIncarnation(string node)
    {
        if (!Journal.Away)
        {
            _incarnations.RemoveAll(incarnation => incarnation.Dead);
            _incarnations.Add(new OwnershipProcess(this, _hosts[node]));
        }
    }

    /// <summary>A request to a voter and its answer, each on its own way.</summary>
    public void Ask(string from, string voter, VoterRequest request, Action<VoterReply> answered, Func<bool> stillThere) =>
        Network.Send(from, voter, () => Guard(voter)?.Vote(request, reply => Network.Send(voter, from, () =>
        {
            if (stillThere())
            {
                answered(reply);
            }
        })));

    /// <summary>The daemon of a node: tells the ownership how things are, has content prepared, closes what is drained.</summary>
    private void Report(string node)
    {
        if (Guard(node) is { Paused: false } guard)
        {
            var lease = guard.Holder.Leases.GetValueOrDefault(Service);
            var consumed = guard.Holder.Durable.Consumed.GetValueOrDefault(Service)?.Epoch ?? 0;
            var report = new NodeReport(node, true, lease?.Phase, consumed, HolderMachine.ClosedEpoch(guard.Holder, Service), lease?.Reason);
            foreach (var incarnation in _incarnations.Where(incarnation => !incarnation.Dead))
            {
                Network.Send(node, incarnation.On, () => incarnation.Feed(new NodeReported(report)));
            }

            if (lease is { Prepared: false, Phase: LeasePhase.Acquiring or LeasePhase.Held })
            {
                Schedule.After(Random.Between(TimeSpan.Zero, TimeSpan.FromSeconds(1)), () => guard.Feed(new ContentPrepared(Service, lease.Tenure)));
            }
            else if (lease is { Phase: LeasePhase.Drained })
            {
                Schedule.After(
                    Random.Between(TimeSpan.Zero, TimeSpan.FromMilliseconds(300)), () => guard.Feed(new CloseRequested(Service, lease.Tenure)));
            }
        }

        if (_incarnations.All(incarnation => incarnation.Dead) && Random.Chance(0.5))
        {
            StartIncarnation(node);
        }

        Schedule.After(TimeSpan.FromMilliseconds(450 + Random.Below(100)), () => Report(node));
    }
}
