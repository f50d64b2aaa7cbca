using System.Collections.Immutable;
using Akka.Actor;
using ClusterFs.Configuration;
using ClusterFs.Node.Cluster;
using ClusterFs.Ownership.Messages;

namespace ClusterFs.Node.Static;

/// <summary>Passes on what nodes say of their static contents: of this one to all others, of the others to this one. Does nothing else.</summary>
internal sealed class StaticActor : ReceiveActor, IWithTimers
{
    /// <summary>Below the actor system's user guardian.</summary>
    public const string Name = "static";

    /// <summary>A message that was lost is made up for by the next.</summary>
    private static readonly TimeSpan Pace = TimeSpan.FromSeconds(1);

    private readonly Settings _settings;
    private readonly StaticKeeper _keeper;
    private readonly Akka.Cluster.Cluster _cluster = Akka.Cluster.Cluster.Get(Context.System);

    public StaticActor(Settings settings, StaticKeeper keeper)
    {
        (_settings, _keeper) = (settings, keeper);
        Receive<StaticSighted>(heard =>
        {
            if (heard.Node != settings.Node.Name)
            {
                keeper.Hear(heard);
            }
        });
        Receive<Said>(said => Pass(said.What));
        Receive<TellAgain>(_ =>
        {
            foreach (var said in keeper.Sightings)
            {
                Pass(said);
            }
        });

        // It looks at the local disk.
        Receive<AskStatic>(asked => Task.Run(() => new StaticAnswered(StaticPicture.Write(StaticPicture.Draw(settings, keeper, asked.Service)))).PipeTo(Sender, Self));
    }

    public ITimerScheduler Timers { get; set; } = null!;

    public static Props Props(Settings settings, StaticKeeper keeper) => Akka.Actor.Props.Create(() => new StaticActor(settings, keeper));

    protected override void PreStart()
    {
        var self = Self;
        _keeper.Connect(Reachable, said => self.Tell(new Said(said), ActorRefs.NoSender));
        Timers.StartPeriodicTimer(nameof(TellAgain), new TellAgain(), TimeSpan.Zero, Pace);
    }

    protected override void PostStop() => _keeper.Connect(null, null);

    /// <summary>Read from any thread: the cluster keeps its state for that.</summary>
    private ImmutableHashSet<string>? Reachable()
    {
        var state = _cluster.State;
        var up = state.Members.Where(member => member.Status == Akka.Cluster.MemberStatus.Up && !state.Unreachable.Contains(member))
            .Select(member => ClusterConfiguration.NodeAt(_settings, member.Address))
            .OfType<string>()
            .ToImmutableHashSet(StringComparer.Ordinal);
        return up.Contains(_settings.Node.Name) ? up : null;
    }

    private void Pass(StaticSighted said)
    {
        foreach (var member in _cluster.State.Members.Where(member => member.Address != _cluster.SelfAddress))
        {
            Context.ActorSelection(new RootActorPath(member.Address) / "user" / Name).Tell(said);
        }
    }

    private sealed record Said(StaticSighted What);

    private sealed record TellAgain;
}
