using System.Collections.Immutable;
using Akka.Actor;
using Akka.Persistence;
using ClusterFs.Lease;
using ClusterFs.Lease.Foresight;
using ClusterFs.Lease.Ownership;
using ClusterFs.Lease.Voter;
using ClusterFs.Ownership.Journal;
using ClusterFs.Ownership.Messages;
using ClusterFs.Ownership.Notifications;
using ClusterFs.Ownership.Wire;
using Microsoft.Extensions.Logging;

namespace ClusterFs.Ownership;

/// <summary>What every incarnation of every service's ownership uses on one node.</summary>
/// <param name="Clock">The machine's two clocks.</param>
/// <param name="Time">Only for the time stamps that people read.</param>
public sealed record OwnershipSurroundings(IVoters Voters, EpochTable Epochs, Func<Instant> Clock, TimeProvider Time, ILogger Logger)
{
    /// <summary>Where this is.</summary>
    public string Node { get; init; } = "";

    /// <summary>The nodes that the cluster does not reach, as of now.</summary>
    public Func<ImmutableSortedSet<string>> Away { get; init; } = () => [];

    /// <summary>Asks the ownership of another service, for an actor; the answer may never come.</summary>
    public Action<IOwnershipMessage, IActorRef> AskOther { get; init; } = (_, _) => { };

    /// <summary>Has every node report on a service soon. A message that is lost costs the time until the node's next report.</summary>
    public Action<ReportWanted> AskNodes { get; init; } = _ => { };

    /// <summary>Has somebody told what happened to a service; returns at once. On this node alone, and not again after a recovery.</summary>
    public Action<Notification> Notify { get; init; } = _ => { };

    /// <summary>By service, when a state that lasts is worth telling.</summary>
    public Func<string, NotificationLimits> Limits { get; init; } = _ => NotificationLimits.Default;

    /// <summary>Runs the fence command against a node, within its time; null where there is none. Slow: not to be waited for by an actor.</summary>
    public Func<string, Task<FenceResult>>? RunFence { get; init; }
}

/// <param name="Succeeded">The command vouches that the node is off, or was after it was begun.</param>
/// <param name="Outcome">In words.</param>
public sealed record FenceResult(bool Succeeded, string Outcome);

/// <summary>
/// One incarnation of a service's ownership: carries out what <see cref="OwnershipMachine"/> decides, and decides nothing itself. Whatever it
/// cannot know for certain ends it; the next report makes a new one, which knows what the journal knows.
/// </summary>
public sealed partial class OwnershipActor : UntypedPersistentActor, IWithTimers
{
    private static readonly TimeSpan Backoff = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan ShortestWait = TimeSpan.FromMilliseconds(10);

    private readonly OwnershipSettings _settings;
    private readonly OwnershipSurroundings _surroundings;
    private readonly Dictionary<string, IActorRef> _agents = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (NodeSight Sight, Instant At)> _sights = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (NodeSight Sight, Instant At)> _atRisk = new(StringComparer.Ordinal);
    private readonly Dictionary<Guid, IActorRef> _requests = [];
    private readonly OwnershipHistoryBook _history = new();
    private readonly NotificationWatch _watch;
    private OwnershipRecord _recovered = OwnershipRecord.Empty;
    private OwnershipState? _state;
    private bool _finished;

    public OwnershipActor(OwnershipSettings settings, OwnershipSurroundings surroundings)
    {
        _settings = settings;
        _surroundings = surroundings;
        _watch = new NotificationWatch(surroundings.Limits(settings.Service));
    }

    public ITimerScheduler Timers { get; set; } = null!;

    public override string PersistenceId => $"ownership-{_settings.Service}";

    private OwnershipState State => _state ?? throw new InvalidOperationException("not recovered yet");

    public static Props Props(OwnershipSettings settings, OwnershipSurroundings surroundings) =>
        Akka.Actor.Props.Create(() => new OwnershipActor(settings, surroundings));

    protected override void OnRecover(object message)
    {
        switch (message)
        {
            case OwnershipEvent happened:
                _recovered = _recovered.Apply(happened);
                _history.Enter(happened);
                break;
            case RecoveryCompleted:
                _state = OwnershipMachine.Start(_settings, Guid.NewGuid(), _recovered, _surroundings.Clock());
                _surroundings.Logger.Recovered(
                    _settings.Service, _recovered.Epoch, _recovered.OpenGrant is { } grant ? $"granted to {grant.Node}" : "vacant");
                ScheduleWake();
                Timers.StartPeriodicTimer(nameof(Watch), WatchOut.Instance, _surroundings.Limits(_settings.Service).LookEvery);
                BeginCompany();
                _surroundings.AskNodes(new ReportWanted(_settings.Service));
                break;
        }
    }

    protected override void OnCommand(object message)
    {
        switch (message)
        {
            case HandOff or Finish:
                // Only a message to it makes the next incarnation.
                TellAgents(new ReportWanted(_settings.Service));
                Context.Stop(Self);
                break;
            case MoveService or PauseService when _finished:
                HaveAskedAgain(Sender);
                break;
            case not null when _finished:
                break;
            case ReportNode report:
                _agents[report.Report.Node] = Sender;
                _sights[report.Report.Node] = (report.Sight, _surroundings.Clock());
                if (report.Sight.AtRiskKnown)
                {
                    _atRisk[report.Report.Node] = _sights[report.Report.Node];
                }

                Drive(new NodeReported(report.Report));
                Place();
                Sender.Tell(Draw());
                Watch();
                break;
            case MoveService move:
                Drive(new MoveRequested(Remember(Sender), move.To));
                break;
            case PauseService pause:
                Drive(new PauseRequested(Remember(Sender), pause.Pause));
                break;
            case GetOwnership:
                Sender.Tell(Draw());
                break;
            case ExplainOwnership:
                Sender.Tell(OwnershipExplanation.Draw(State, LookAtFailback().Standing, LookAtCompany().Standing, _surroundings.Clock()));
                break;
            case LookAround:
                AskCompany();
                Place();
                break;
            case OwnershipView other when other.Service != _settings.Service:
                Hear(other);
                break;
            case GetPlacement:
                Sender.Tell(TellPlacement());
                break;
            case ForeseeOwnership question:
                Foresee(question);
                break;
            case GetHistory:
                Sender.Tell(new OwnershipHistory(_settings.Service, [.. _history.Entries.Select(entry => entry.Entry)]));
                break;
            case GetMeasuredHistory:
                Sender.Tell(new MeasuredHistory(_settings.Service, _history.Entries));
                break;
            case WatchOut:
                Watch();
                break;
            case WakeUp:
                Drive(new OwnershipTimePassed());
                break;
            case OwnershipInput input:
                Drive(input);
                break;
            case VoterFailed failed:
                _surroundings.Logger.VoterSilent(_settings.Service, failed.Voter, failed.Problem);
                break;
            case EpochUnknown unknown:
                FinishSoon($"the epoch table does not answer: {unknown.Problem}");
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    /// <summary>However it ends: who waits for an answer would take the silence for a database that is away.</summary>
    protected override void PostStop()
    {
        HaveAllAskedAgain();
        base.PostStop();
    }

    protected override void OnPersistFailure(Exception cause, object @event, long sequenceNr)
    {
        _surroundings.Logger.PersistFailed(_settings.Service, sequenceNr, cause.Message);
        TellAgents(new ReportWanted(_settings.Service));
    }

    protected override void OnPersistRejected(Exception cause, object @event, long sequenceNr)
    {
        // Akka would go on with the number already used up, and everything after it would be written to nowhere.
        _surroundings.Logger.PersistRejected(cause, _settings.Service, sequenceNr);
        TellAgents(new ReportWanted(_settings.Service));
        _finished = true;
        Context.Stop(Self);
    }

    protected override void OnRecoveryFailure(Exception reason, object? message = null) =>
        _surroundings.Logger.RecoveryFailed(_settings.Service, reason.Message);

    private void Drive(OwnershipInput input)
    {
        if (_finished)
        {
            return;
        }

        if (_surroundings.Away() is var away && !away.SetEquals(State.Away))
        {
            var isBack = State.Away.Except(away).Count > 0;
            Handle(new NodesAway(away));
            if (isBack)
            {
                _surroundings.AskNodes(new ReportWanted(_settings.Service));
            }
        }

        Handle(input);
        ScheduleWake();
    }

    private void Handle(OwnershipInput input)
    {
        var (state, effects) = OwnershipMachine.Handle(State, input, _surroundings.Clock());
        _state = state;
        foreach (var effect in effects)
        {
            CarryOut(effect);
        }
    }

    private void CarryOut(OwnershipEffect effect)
    {
        switch (effect)
        {
            case Lease.Ownership.Journal journal:
                var asked = _surroundings.Time.GetUtcNow();
                Persist(WithLoss(journal.Event) with { At = asked }, happened =>
                {
                    var grant = _history.NewestGrant;
                    var entry = _history.Enter(happened);
                    if (NotificationRules.Of(_settings.Service, happened, entry, grant, startsAreEntered: _settings.Damping is not null) is { } notification
                        && _watch.Admits(notification))
                    {
                        _surroundings.Notify(notification);
                    }

                    _surroundings.Logger.Journalled(_settings.Service, entry.Entry.Text);
                    if (happened is OwnershipReleased { HandedOver: true } released)
                    {
                        _atRisk.Remove(released.Node);
                    }

                    Trace(happened, asked, entry.Cause);
                    Drive(new Journalled(happened));
                    TellAgents(Draw());
                });
                break;
            case ReserveEpoch reserve:
                Reserve(reserve);
                break;
            case AskVoter ask:
                Ask(ask);
                break;
            case TellGrant tell when _agents.TryGetValue(tell.Node, out var agent):
                var grant = tell.Grant;
                agent.Tell(new GrantOwnership(
                    _settings.Service, grant.Epoch, tell.Tenure, grant.Node, [.. grant.Voters], grant.Ttl, grant.StopBudget));
                break;
            case TellDrain tell when _agents.TryGetValue(tell.Node, out var agent):
                agent.Tell(new DrainOwnership(_settings.Service, tell.Tenure, tell.To));
                break;
            case TellGrant or TellDrain:
                // It is told with its next report.
                break;
            case RunFence fence:
                Cut(fence);
                break;
            case AnswerRequest answer when _requests.Remove(answer.Request, out var asker):
                asker.Tell(new RequestAnswered(_settings.Service, answer.Accepted, answer.Message));
                break;
            case AnswerRequest { Accepted: false } refused:
                _surroundings.Logger.UnaskedRefused(_settings.Service, refused.Message);
                break;
            case AnswerRequest:
                break;
            case RecoverAgain again:
                FinishSoon(again.Reason);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(effect), effect, "unknown effect");
        }
    }

    /// <summary>
    /// For people: what a lost owner had at risk when it was heard last is known here and now, and nowhere later. Until now it may have written more: its
    /// service can have outlived its daemon for hours.
    /// </summary>
    private OwnershipEvent WithLoss(OwnershipEvent happened) =>
        happened is OwnershipGranted grant
        && _history.CauseOf(grant) == GrantCause.Failover
        && State.Record.Grant is { } before
        && _atRisk.TryGetValue(before.Node, out var heard)
            ? grant with { Lost = new AtRisk(before.Node, heard.Sight.Aged(_surroundings.Clock().LongestSince(heard.At)).AtRiskSeconds, heard.Sight.AtRiskBytes) }
            : happened;

    private void Trace(OwnershipEvent happened, DateTimeOffset asked, string? cause)
    {
        if (FailoverTrace.IsOn && happened is OwnershipGranted grant)
        {
            if (State.Record.OpenFencing is { } fencing)
            {
                FailoverTrace.Tell("fence", _settings.Service, grant.Epoch, grant.Node, fencing.At, asked, cause);
            }

            FailoverTrace.Tell("grant", _settings.Service, grant.Epoch, grant.Node, asked, _surroundings.Time.GetUtcNow(), cause);
        }
    }

    private void Watch()
    {
        foreach (var notification in _finished ? [] : _watch.Look(Draw(), _surroundings.Clock(), _surroundings.Time.GetUtcNow()))
        {
            _surroundings.Notify(notification);
        }
    }

    private void Cut(RunFence fence)
    {
        _surroundings.Logger.CuttingPower(_settings.Service, fence.Node, fence.Epoch);
        var run = _surroundings.RunFence ?? (_ => Task.FromResult(new FenceResult(false, "there is no fence command")));
        Task.Run(() => run(fence.Node)).PipeTo(
            Self,
            success: result => new NodeFenced(fence.Node, fence.Epoch, result.Succeeded, result.Outcome),
            failure: problem => new NodeFenced(fence.Node, fence.Epoch, false, problem.Message));
    }

    private void HaveAllAskedAgain()
    {
        foreach (var asker in _requests.Values)
        {
            HaveAskedAgain(asker);
        }

        _requests.Clear();
    }

    private void HaveAskedAgain(IActorRef asker) => asker.Tell(RequestAnswered.Ended(_settings.Service));

    private Guid Remember(IActorRef asker)
    {
        var request = Guid.NewGuid();
        _requests[request] = asker;
        return request;
    }

    private void Reserve(ReserveEpoch reserve)
    {
        var at = _surroundings.Time.GetUtcNow();

        // SQLite's driver blocks: never in this actor's turn.
        Task.Run(() => _surroundings.Epochs.ReserveAsync(_settings.Service, reserve.Epoch, reserve.Node, at, CancellationToken.None))
            .PipeTo(
                Self,
                success: reserved => new EpochReserved(reserve.Epoch, reserve.Node, reserved),
                failure: problem => new EpochUnknown(problem.Message));
    }

    private void Ask(AskVoter ask) => _surroundings.Voters.AskAsync(ask.Voter, ask.Request, _settings.Timings.ProbeFreshness).PipeTo(
        Self,
        success: reply => new VoterAnswered(reply),
        failure: problem => new VoterFailed(ask.Voter, problem.Message));

    private void ScheduleWake()
    {
        var now = _surroundings.Clock();
        if (OwnershipMachine.NextWake(State, now) is { } due)
        {
            var wait = due.MostRemaining(now);
            Timers.StartSingleTimer(WakeUp.Instance, WakeUp.Instance, wait > ShortestWait ? wait : ShortestWait);
        }
        else
        {
            Timers.Cancel(WakeUp.Instance);
        }
    }

    /// <summary>Not at once: reports come several times a second, and each would make an incarnation that ends like this one.</summary>
    private void FinishSoon(string reason)
    {
        _surroundings.Logger.RecoversAgain(_settings.Service, reason);
        _finished = true;
        HaveAllAskedAgain();
        Timers.Cancel(WakeUp.Instance);
        Timers.StartSingleTimer(Finish.Instance, Finish.Instance, Backoff);
    }

    /// <summary>They report rarely while nothing is under way, and are to hear of what is.</summary>
    private void TellAgents(IWireMessage message)
    {
        foreach (var agent in _agents.Values)
        {
            agent.Tell(message);
        }
    }

    /// <summary>From the state as it is now, and beside this actor's turns: it takes some milliseconds.</summary>
    private void Foresee(ForeseeOwnership question)
    {
        var (state, now, service) = (State, _surroundings.Clock(), _settings.Service);
        var world = new ForeseenWorld(_surroundings.Node)
        {
            Killed = question.Killed,
            DatabaseLost = question.DatabaseLost,
            Silent = state.Away,
        };
        Task.Run(() =>
        {
            var seen = OwnershipForesight.Look(state, world, now);
            return new OwnershipForeseen(
                service, seen.Owner, seen.Next, Seconds(seen.LeasedAfter), Seconds(seen.StoppedAfter),
                [.. seen.Steps.Select(step => new ForeseenEvent(Math.Round(step.After.TotalSeconds, 3), step.Text))])
            {
                OwnerIsLost = seen.OwnerIsLost,
                TakenForLost = [.. seen.TakenForLost],
            };
        }).PipeTo(Sender, failure: problem => new OwnershipForeseen(service, null, null, null, null, []) { Problem = problem.Message });

        static double? Seconds(TimeSpan? time) => time is { } known ? Math.Round(known.TotalSeconds, 3) : null;
    }

    private OwnershipView Draw()
    {
        var now = _surroundings.Clock();
        return OwnershipPicture.Draw(State, _sights.Values.Select(heard => heard.Sight.Aged(now.LongestSince(heard.At))), now) with
        {
            FailedOver = _history.Cause == GrantCause.Failover,
        };
    }

    /// <summary>The shard moves to another node. Akka's own stop message would overtake an event on its way to the journal.</summary>
    public sealed record HandOff
    {
        public static HandOff Instance { get; } = new();
    }

    private sealed record Finish
    {
        public static Finish Instance { get; } = new();
    }

    private sealed record WakeUp
    {
        public static WakeUp Instance { get; } = new();
    }

    /// <summary>A state that somebody may want to be told of begins without anybody's report.</summary>
    private sealed record WatchOut
    {
        public static WatchOut Instance { get; } = new();
    }

    private sealed record VoterFailed(string Voter, string Problem);

    private sealed record EpochUnknown(string Problem);
}
