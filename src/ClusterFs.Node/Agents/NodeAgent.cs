using System.Collections.Immutable;
using Akka.Actor;
using Akka.Cluster;
using ClusterFs.Guard;
using ClusterFs.Node.Draining;
using ClusterFs.Node.Guards;
using ClusterFs.Ownership.Messages;

namespace ClusterFs.Node.Agents;

/// <summary>The parent of this node's service agents: passes on what the guard says, and ends them all together.</summary>
internal sealed class NodeAgent(string node, ImmutableArray<AgentSettings> services, AgentSurroundings surroundings) : UntypedActor
{
    /// <summary>Below the actor system's user guardian; the agents of the services are below it, by name.</summary>
    public const string Name = "node";

    private readonly Dictionary<string, IActorRef> _agents = new(StringComparer.Ordinal);
    private readonly Dictionary<string, GuardReport> _reports = new(StringComparer.Ordinal);
    private readonly HashSet<string> _idle = new(StringComparer.Ordinal);
    private IActorRef? _region;
    private IActorRef? _ending;

    private static Akka.Cluster.Cluster Cluster => Akka.Cluster.Cluster.Get(Context.System);

    public static Props Props(string node, ImmutableArray<AgentSettings> services, AgentSurroundings surroundings) =>
        Akka.Actor.Props.Create(() => new NodeAgent(node, services, surroundings));

    protected override void PreStart()
    {
        surroundings.Board.DrainedSince = surroundings.Drains.Read();
        Cluster.Subscribe(Self, typeof(ClusterEvent.IMemberEvent), typeof(ClusterEvent.IReachabilityEvent));
        foreach (var settings in services)
        {
            _agents[settings.Service] = Context.ActorOf(
                Akka.Actor.Props.Create(() => new ServiceAgent(settings, surroundings)), settings.Service);
        }
    }

    protected override void PostStop() => Cluster.Unsubscribe(Self);

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case GuardConnected:
                surroundings.Board.GuardProblem = null;
                surroundings.Logger.GuardConnected();
                break;
            case GuardDisconnected gone:
                surroundings.Board.GuardProblem = gone.Reason;
                surroundings.Logger.GuardGone(gone.Reason);
                _reports.Clear();
                TellAll(new GuardHeard(null));
                break;
            case ServiceReported { Report: var report, ReadAt: var readAt } when _agents.TryGetValue(report.Service, out var agent):
                var heard = GuardReport.From(report, readAt);
                _reports[report.Service] = heard;
                agent.Tell(new GuardHeard(heard));
                break;
            case ServiceReported:
                break;
            case RegionReady ready:
                _region = ready.Region;
                surroundings.Board.Region = ready.Region;
                TellAll(ready);
                break;
            case AgentStarted started:
                Brief(started.Service, Sender);
                break;
            case ClusterEvent.CurrentClusterState or ClusterEvent.IMemberEvent or ClusterEvent.IReachabilityEvent:
                // Whoever looked after a service's ownership may be gone, and only a message makes the next one.
                TellAll(ClusterChanged.Instance);
                break;
            case DumpNow dump when _agents.TryGetValue(dump.Service, out var agent):
                agent.Forward(dump);
                break;
            case DumpNow:
                Sender.Tell(new DumpNowAnswered("it may not run on this node", null));
                break;
            case AskDrain:
                Sender.Tell(TellDrain(null));
                break;
            case DrainNode drain:
                Keep(drain.Drain);
                break;
            case DrainKept kept:
                Hear(kept);
                break;
            case Ping:
                Sender.Tell(Pong.Instance);
                break;
            case EndAll:
                _ending = Sender;
                TellAll(new EndService());
                AnswerIfAllIdle();
                break;
            case AgentIdle idle:
                _idle.Add(idle.Service);
                AnswerIfAllIdle();
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    private void Brief(string service, IActorRef agent)
    {
        // First: whatever comes after has it say what it wants.
        agent.Tell(new DrainChanged(surroundings.Board.DrainedSince is not null));
        if (_reports.TryGetValue(service, out var report))
        {
            agent.Tell(new GuardHeard(report));
        }

        if (_region is not null)
        {
            agent.Tell(new RegionReady(_region));
        }

        if (_ending is not null)
        {
            agent.Tell(new EndService());
        }
    }

    /// <summary>On disk first: what was said to be drained has to be so after a crash.</summary>
    private void Keep(bool drain)
    {
        var (asker, mark, before, at) = (Sender, surroundings.Drains, surroundings.Board.DrainedSince, surroundings.Time.GetUtcNow());
        surroundings.KeepsDrains.Run(() =>
            {
                if (!drain)
                {
                    mark.Clear();
                }
                else if (before is null)
                {
                    mark.Set(at);
                }

                return new DrainKept(asker, drain ? before ?? at : null, null);
            })
            .PipeTo(Self, failure: problem => new DrainKept(asker, before, problem.Message));
    }

    private void Hear(DrainKept kept)
    {
        if (kept.Problem is null && kept.Since != surroundings.Board.DrainedSince)
        {
            surroundings.Board.DrainedSince = kept.Since;
            surroundings.Logger.DrainChanged(kept.Since is null ? "not drained any more" : "drained: it takes no service, and moves away what it has");
            TellAll(new DrainChanged(kept.Since is not null));
        }

        kept.Asker.Tell(TellDrain(kept.Problem));
    }

    private DrainTold TellDrain(string? problem) => new(
        node,
        surroundings.Board.DrainedSince,
        [
            .. services.Select(settings => (settings.Service, Step: surroundings.Board.Find(settings.Service)?.Draining ?? DrainStep.Unknown))
                .Where(one => one.Step.Doing is not null)
                .Select(one => new DrainLeft(one.Service, one.Step.Doing!, one.Step.IsStuck)),
        ],
        problem);

    private void AnswerIfAllIdle()
    {
        if (_ending is { } asker && _agents.Keys.All(_idle.Contains))
        {
            asker.Tell(new AllIdle());
        }
    }

    private void TellAll(object message)
    {
        foreach (var agent in _agents.Values)
        {
            agent.Tell(message);
        }
    }

    private sealed record DrainKept(IActorRef Asker, DateTimeOffset? Since, string? Problem);
}
