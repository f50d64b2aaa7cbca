using Akka.Actor;
using ClusterFs.Configuration;
using ClusterFs.Ownership.Messages;

namespace ClusterFs.Node.Rollouts;

/// <summary>Answers other nodes about the config files of this one, and hears from them when there is something to be seen.</summary>
internal sealed class ConfigActor : ReceiveActor, IWithTimers
{
    /// <summary>Below the actor system's user guardian.</summary>
    public const string Name = "config";

    private static readonly TimeSpan Pace = TimeSpan.FromSeconds(2);

    private readonly ConfigKeeper _keeper;
    private readonly ConfigNeighbours _neighbours;
    private readonly ILogger _logger;

    public ConfigActor(Settings settings, ConfigKeeper keeper, TimeProvider time, ILogger logger)
    {
        (_keeper, _logger) = (keeper, logger);
        _neighbours = new ConfigNeighbours(Context.System, settings, time);
        Receive<AskConfig>(asked => ConfigWork.DoAsync(settings, keeper, asked).PipeTo(Sender, Self, report => new ConfigAnswered(report)));
        Receive<LookAtConfig>(told => keeper.LookAt(told.Service));
        Receive<LookAround>(_ => LookForNeighbours());
    }

    public ITimerScheduler Timers { get; set; } = null!;

    public static Props Props(Settings settings, ConfigKeeper keeper, TimeProvider time, ILogger logger) =>
        Akka.Actor.Props.Create(() => new ConfigActor(settings, keeper, time, logger));

    protected override void PreStart()
    {
        // Since when a node is away is known only of those that are looked for all the time.
        Timers.StartPeriodicTimer(nameof(LookAround), LookAround.Instance, Pace);
        _keeper.Begin(_neighbours, _logger);
    }

    /// <summary>What was said before this node and another one could hear each other is seen now, and not only when the next look is due.</summary>
    private void LookForNeighbours()
    {
        _ = _neighbours.FindAway();
        if (_neighbours.HaveCome())
        {
            _keeper.LookAtAll();
        }
    }

    private sealed class LookAround
    {
        public static LookAround Instance { get; } = new();
    }
}
