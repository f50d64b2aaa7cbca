using Akka.Actor;
using ClusterFs.Guard.Protocol;
using ClusterFs.Lease;
using ClusterFs.Lease.Holder;
using ClusterFs.Lease.Ownership;
using ClusterFs.Node.Content;
using ClusterFs.Node.Guards;
using ClusterFs.Ownership.Messages;

namespace ClusterFs.Node.Agents;

/// <summary>
/// Looks after one service on this node: carries out what <see cref="AgentRules"/> says, and reports to the service's ownership actor. Whatever
/// may hang runs on a thread of its own.
/// </summary>
internal sealed partial class ServiceAgent : UntypedActor, IWithTimers
{
    private const int LookAtArchiveBeats = 5;

    private static readonly TimeSpan ShortestWait = TimeSpan.FromMilliseconds(10);

    private readonly AgentSurroundings _surroundings;
    private readonly IServiceContent _content;
    private readonly List<IActorRef> _dumpRequests = [];
    private AgentState _state;
    private GuardReport? _lastGuard;
    private IActorRef? _region;
    private IActorRef? _ending;
    private OwnershipView? _view;
    private Instant _viewAt;
    private NodeReport? _reported;
    private string? _activity;
    private DumpSeen? _newest;
    private int? _divergent;
    private DumpCondition _dumps = DumpCondition.Unknown;
    private RiskSeen? _risk;
    private Instant? _savedAt;
    private bool _lookingForRisk;
    private bool _lookingAtArchive;
    private Instant? _lookedAtArchiveAt;
    private bool _answered;
    private TimeSpan _beat;
    private CancellationTokenSource? _following;

    public ServiceAgent(AgentSettings settings, AgentSurroundings surroundings)
    {
        _surroundings = surroundings;
        _content = surroundings.Content(settings.Service);
        _state = new AgentState(settings, null);
    }

    public ITimerScheduler Timers { get; set; } = null!;

    private string Service => _state.Settings.Service;

    private Instant Now => _surroundings.Clock();

    protected override void PreStart()
    {
        Context.Parent.Tell(new AgentStarted(Service));
        Self.Tell(Beat.Instance);
        if (!_state.Settings.KeepsStandby)
        {
            DropStandby();
        }
    }

    protected override void PostStop()
    {
        _following?.Cancel();
        _rehearsing?.Cancel();
    }

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case GuardHeard heard:
                _state = _state with { Guard = heard.Report };
                _lastGuard = heard.Report ?? _lastGuard;
                NoteStart();
                break;
            case RegionReady ready:
                _region = ready.Region;
                break;
            case OwnershipView view:
                _view = view;
                _viewAt = Now;
                _answered = true;
                var elsewhere = view.Owner is { } owner && owner != _state.Settings.Node && view.Stage is OwnershipStage.Owned && view.Reason is null;
                _state = _state with
                {
                    RunsElsewhere = elsewhere ? view.Tenure : 0,

                    // A move that was given up is no reason to stop any more, unless the stop has begun.
                    DrainEpoch = view.MovingTo is null && _state.Guard?.Phase is LeasePhase.Running && view.Tenure == _state.DrainEpoch ? 0 : _state.DrainEpoch,
                };
                _surroundings.Board.Owners.Heard(Service, view.Owner);
                _state = StandbyRules.Tell(
                    _state, view.Sights.Where(sight => sight.Node != _state.Settings.Node).Select(sight => sight.LastDumpSlot).DefaultIfEmpty().Max());
                _state = RehearsalRules.Tell(_state, view.Sights, _state.Settings.Pace.Counts);
                break;
            case GrantOwnership grant when grant.Epoch >= (_state.Grant?.Epoch ?? 0):
                _state = _state with { Grant = grant };
                _granted = grant.Epoch > _granted.Epoch ? (grant.Epoch, Now, _view?.MovingTo == _state.Settings.Node) : _granted;
                break;
            case DrainOwnership drain:
                _state = _state with { DrainEpoch = drain.Tenure };
                break;
            case EndService:
                _ending = Sender;
                _state = _state with { Stopping = true };
                break;
            case DumpNow:
                TakeDumpRequest();
                break;
            case DrainChanged drain:
                _state = _state with { Drained = drain.Drained };
                break;
            case RequestAnswered answered:
                Hear(answered);
                break;
            case WorkEnded ended:
                Hear(ended.Result);
                break;
            case Progressed progressed when _state.Work is not null:
                _activity = progressed.Activity;
                break;
            case FollowProgressed progressed:
                _state = StandbyRules.Hear(_state, progressed.Progress, Now);
                break;
            case FollowEnded ended:
                Hear(ended);
                break;
            case RehearsalProgressed progressed:
                _state = RehearsalRules.Hear(_state, progressed.Progress, Now);
                break;
            case RehearsalEnded ended:
                Hear(ended);
                break;
            case RehearsalsLookedAt looked:
                Hear(looked);
                break;
            case RiskLookedFor looked:
                _lookingForRisk = false;
                _risk = looked.Risk;
                if (looked.Risk is { Changed: false, Problem: null })
                {
                    Saved(looked.BegunAt);
                }

                break;
            case ArchiveLookedAt looked:
                _lookingAtArchive = false;
                _newest = looked.Archive.Newest is { } newest && newest.Slot > (_newest?.Slot ?? 0) ? newest : _newest;
                _divergent = looked.Archive.Divergent ?? _divergent;
                break;
            case ReportWanted or ClusterChanged:
                _answered = false;
                break;
            case Beat:
                Look();
                break;
            case WakeUp:
                break;
            case GrantOwnership:
                return;
            default:
                Unhandled(message);
                return;
        }

        Decide();
        Drain();
        Follow();
        Rehearse();
        Report(timePassed: message is Beat);
        ScheduleBeat(message is Beat);
        if (_ending is { } asker && AgentRules.IsIdle(_state, Now))
        {
            asker.Tell(new AgentIdle(Service));
        }
    }

    private void ScheduleBeat(bool hasBeaten)
    {
        var every = _answered && AgentRules.IsSettled(_state, _view, Now) ? _state.Settings.Pace.Every : ReportPace.Fastest.Every;
        if (!hasBeaten && every == _beat)
        {
            return;
        }

        _beat = every;

        // Each service at a moment of its own: a thousand at once would be a burst that something else has to wait behind.
        Timers.StartSingleTimer(Beat.Instance, Beat.Instance, every * (0.5 + (Random.Shared.NextDouble() / 2)));
    }

    private void Decide()
    {
        // Each decision may open the way to the next; the rules end in one that waits for news.
        AgentAction? action;
        do
        {
            (_state, action) = AgentRules.Decide(_state, Now);
            switch (action)
            {
                case BeginWork begin:
                    Begin(begin);
                    break;
                case TellGuard tell:
                    _surroundings.Logger.TellingGuard(Service, tell.Order.Epoch, tell.Order.GetType().Name);
                    _surroundings.Tell(GuardOrders.ToCommand(Service, tell.Order));
                    break;
            }
        }
        while (action is not null);

        var now = Now;
        if (AgentRules.NextWake(_state, now) is { } due)
        {
            var wait = due.MostRemaining(now);
            if (wait > TimeSpan.Zero)
            {
                Timers.StartSingleTimer(WakeUp.Instance, WakeUp.Instance, wait > ShortestWait ? wait : ShortestWait);
            }
        }
    }

    private void Begin(BeginWork begin)
    {
        var self = Self;
        _activity = Words(begin.Kind);
        _workBegunAt = _surroundings.Time.GetUtcNow();
        if (begin.Kind != WorkKind.Dump)
        {
            _surroundings.Logger.WorkBegun(Service, _activity, begin.Epoch);
        }

        OwnThreads.Unbounded(() => _content.Do(begin.Kind, begin.Epoch, activity => self.Tell(new Progressed(activity))))
            .PipeTo(
                self,
                success: result => new WorkEnded(result),
                failure: problem => new WorkEnded(new WorkResult(WorkOutcome.Failed, problem.Message, null, 0, null, null)));
    }

    /// <summary>Begins what brings the standby copy on, when its time has come; ends it when something else is to be done with the content.</summary>
    private void Follow()
    {
        if (_following is { } running && !StandbyRules.MayFollow(_state))
        {
            running.Cancel();
        }

        if (StandbyRules.Next(_state, Now) is not { } toldOf)
        {
            return;
        }

        var self = Self;
        var following = new CancellationTokenSource();
        _following = following;
        _state = StandbyRules.Begin(_state, Now);
        _surroundings.Follows.Run(() =>
            {
                Say("reading the log");
                return _content.Follow(toldOf, Say, following.Token);
            })
            .PipeTo(
                self,
                success: seen => new FollowEnded(toldOf, seen),
                failure: problem => new FollowEnded(toldOf, new FollowSeen(null, problem.Message, false)));

        void Say(string progress) => self.Tell(new FollowProgressed(progress));
    }

    private void Hear(FollowEnded ended)
    {
        _following?.Dispose();
        _following = null;
        var before = _state.Standby;
        _state = StandbyRules.End(_state, ended.ToldOf, ended.Seen, Now);
        if (_state.Standby.Problem is { } problem)
        {
            if (problem != before.Problem)
            {
                _surroundings.Logger.StandbyFails(Service, problem);
            }
        }
        else if (_state.Standby.Copy is { } copy && (before.Copy is null || before.Problem is not null))
        {
            _surroundings.Logger.StandbyFollows(Service, copy.Slot);
        }
    }

    private void DropStandby()
    {
        var (content, logger, service) = (_content, _surroundings.Logger, Service);
        _ = _surroundings.Follows.Run(() =>
        {
            try
            {
                content.DropStandby();
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
            {
                logger.StandbyFails(service, failure.Message);
            }

            return true;
        });
    }

    private void Hear(WorkResult result)
    {
        var work = _state.Work;
        _activity = null;
        if (work is null)
        {
            return;
        }

        _state = AgentRules.Finish(_state, result.Outcome, Now);
        _newest = result.Newest ?? _newest;
        _tally = _tally.With(work.Kind, result, Now.LongestSince(work.BegunAt));
        TraceRestore(work, result);
        var words = Words(work.Kind);
        switch (result.Outcome)
        {
            case WorkOutcome.Done:
                if (work.Kind != WorkKind.KeepDivergent)
                {
                    // What was there when the work began is in the archive; what came while it ran may not be.
                    Saved(work.BegunAt);
                    _risk = null;
                    LookForRisk();
                }

                _dumps = _dumps with { Ok = true, Error = null, Guarantee = result.Guarantee ?? _dumps.Guarantee, Warning = result.Warning, Kept = result.Kept };
                if (result.Warning is { } warning)
                {
                    _surroundings.Logger.WorkWarns(Service, words, work.Epoch, warning);
                }

                if (work.Kind != WorkKind.Dump)
                {
                    _surroundings.Logger.WorkDone(Service, words, work.Epoch, result.Explanation ?? "done");
                }

                _lookedAtArchiveAt = work.Kind is WorkKind.KeepDivergent or WorkKind.TakeOver ? null : _lookedAtArchiveAt;
                break;
            case WorkOutcome.Failed:
                _dumps = _dumps with { Ok = false, Error = $"{words}: {result.Problem}", LastErrorAt = _surroundings.Time.GetUtcNow() };
                _surroundings.Logger.WorkFailed(Service, words, work.Epoch, result.Problem ?? "no reason given");
                break;
            case WorkOutcome.Superseded:
                _dumps = _dumps with { Ok = false, Error = $"{words}: {result.Explanation}", LastErrorAt = _surroundings.Time.GetUtcNow() };
                _surroundings.Logger.WorkSuperseded(Service, words, work.Epoch, result.Explanation ?? "a later epoch was claimed");
                break;
        }

        if (work.Kind is WorkKind.Dump or WorkKind.FinalDump)
        {
            AnswerDumpRequests(new DumpNowAnswered(null, result));
        }
    }

    private void TakeDumpRequest()
    {
        if (_state.Guard?.Phase is not LeasePhase.Running)
        {
            Sender.Tell(new DumpNowAnswered("it does not run on this node", null));
            return;
        }

        _dumpRequests.Add(Sender);
        _state = _state with { DumpAsked = true, RetryAt = null };
    }

    /// <summary>A dump that began before the request is no answer to it: the rules begin another for it.</summary>
    private void AnswerDumpRequests(DumpNowAnswered answer)
    {
        if (_state.DumpAsked)
        {
            return;
        }

        _dumpRequests.ForEach(asker => asker.Tell(answer));
        _dumpRequests.Clear();
    }

    /// <summary>Looks at what only changes slowly; one look at a time, since each may hang.</summary>
    private void Look()
    {
        var now = Now;
        var self = Self;
        LookForRisk();
        LookAtRehearsals();
        if (!_lookingAtArchive && (_lookedAtArchiveAt is not { } at || now.ShortestSince(at) >= _state.Settings.Pace.Every * LookAtArchiveBeats))
        {
            _lookingAtArchive = true;
            _lookedAtArchiveAt = now;
            _surroundings.LooksAtArchives.Run(_content.LookAtArchive).PipeTo(
                self,
                success: archive => new ArchiveLookedAt(archive),
                failure: _ => new ArchiveLookedAt(new ArchiveSeen(null, null)));
        }

        if (_state.Guard is not { Phase: LeasePhase.Running })
        {
            _dumpRequests.ForEach(asker => asker.Tell(new DumpNowAnswered("it does not run on this node any more", null)));
            _dumpRequests.Clear();
        }
    }

    private void LookForRisk()
    {
        if (_state.Guard?.Phase is not LeasePhase.Running || _lookingForRisk)
        {
            return;
        }

        _lookingForRisk = true;
        var begunAt = Now;
        _surroundings.LooksAtContent.Run(_content.LookForRisk).PipeTo(
            Self,
            success: risk => new RiskLookedFor(risk, begunAt),
            failure: problem => new RiskLookedFor(new RiskSeen(true, 0, problem.Message), begunAt));
    }

    /// <summary>All that was there at this moment is in the archive; looks and dumps may end in another order than they began.</summary>
    private void Saved(Instant moment)
    {
        if (_savedAt is not { } saved || moment.LongestSince(saved) > TimeSpan.Zero)
        {
            _savedAt = moment;
        }
    }

    private void Report(bool timePassed)
    {
        var now = Now;
        var sight = See(now);
        _surroundings.Board.Post(new ServiceSnapshot(Service, _state.Guard, sight, now, _view, _newest, _divergent, _dumps)
        {
            Tally = _tally,
            Draining = LookAtDrain(now),
            ViewCountsUntil = _viewAt + _state.Settings.Pace.Counts,
        });

        if (_region is not null && AgentRules.Report(_state, _lastGuard, now) is { } report && (report != _reported || timePassed))
        {
            _reported = report;
            _answered = false;
            _region.Tell(new ReportNode(Service, report, sight), Self);
        }
    }

    private NodeSight See(Instant now)
    {
        var running = _state.Guard?.Phase is LeasePhase.Running or LeasePhase.Draining or LeasePhase.Drained;
        var remaining = _state.Guard?.LeaseRemaining(now) ?? TimeSpan.Zero;

        // Never less than the truth: what changed since the last look is unknown, and so at risk.
        var changed = running && _risk is not { Changed: false };
        var since = running && _savedAt is { } saved ? now.LongestSince(saved).TotalSeconds : 0;
        return new NodeSight(
            _state.Settings.Node,
            (long)remaining.TotalMilliseconds,
            _newest?.Epoch ?? 0,
            _newest?.Slot ?? 0,
            _newest?.At,
            _newest?.Bytes ?? 0,
            Math.Round(since, 3),
            changed ? _risk?.Bytes ?? 0 : 0,
            running && _savedAt is not null,
            _dumps.Ok ? _dumps.Warning : _dumps.Error,
            _divergent ?? NodeSight.NotLooked,
            _activity)
        {
            StandbySlot = _state.Standby.Copy?.Slot ?? 0,
            StandbyAt = _state.Standby.Copy?.At,
            StandbyProblem = StandbyRules.Problem(_state, now),
            Rehearsal = RehearsalRules.Show(_state, now),
        };
    }

    private static string Words(WorkKind kind) => kind switch
    {
        WorkKind.TakeOver => "putting the content in place",
        WorkKind.Dump => "dumping",
        WorkKind.FinalDump => "taking the last dump",
        WorkKind.KeepDivergent => "keeping what is not in the line",
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "unknown work"),
    };

    private sealed record Beat
    {
        public static Beat Instance { get; } = new();
    }

    private sealed record WakeUp
    {
        public static WakeUp Instance { get; } = new();
    }

    private sealed record WorkEnded(WorkResult Result);

    private sealed record Progressed(string Activity);

    private sealed record FollowProgressed(string Progress);

    private sealed record FollowEnded(long ToldOf, FollowSeen Seen);

    private sealed record RiskLookedFor(RiskSeen Risk, Instant BegunAt);

    private sealed record ArchiveLookedAt(ArchiveSeen Archive);
}
