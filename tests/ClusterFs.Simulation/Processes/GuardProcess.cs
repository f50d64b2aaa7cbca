using System.Collections.Immutable;
using ClusterFs.Lease;
using ClusterFs.Lease.Holder;
using ClusterFs.Lease.SqlVoter;
using ClusterFs.Lease.Voter;

namespace ClusterFs.Simulation;

/// <summary>
/// A guard: the production voter and holder of one node, with the service they guard. When the process is killed or paused, the process
/// beside the service still ends it at the last deadline it heard of: often as late as that, to be as dangerous as allowed.
/// </summary>
public sealed class GuardProcess : SimulatedProcess
{
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan DaemonPatience = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Tick = new(1);

    private readonly World _world;
    private readonly Node _node;
    private readonly Host _host;
    private readonly Alarm _wake;
    private readonly Alarm _kill;
    private readonly Alarm _beside;
    private readonly SqlVoteAsker _sql;
    private readonly TimeSpan _ttl;
    private VoterState _voter;
    private HolderState _holder;
    private long _starting;
    private long _running;
    private long _stopping;
    private Instant? _withoutDaemon;

    public GuardProcess(World world, Node node)
    {
        _world = world;
        _node = node;
        _host = node.Host;
        _sql = new SqlVoteAsker(world, node, this);
        _ttl = node.Configuration.Timings.Ttl;
        _wake = new Alarm(_host, early: true, () => Feed(new TimePassed()));
        _kill = new Alarm(_host, early: true, () => Run(FinishStopping));
        _beside = new Alarm(_host, early: true, EndService);
        node.Leftover?.EndLeftovers();
        node.Leftover = null;
        world.Ledger.Over(node.Name);
        _voter = new VoterState(node.Name, Started(), TakeUpVoter());
        _holder = new HolderState(node.Name, _host.BootId, world.Random.NextGuid(), node.HolderDisk);
    }

    public HolderState Holder => _holder;

    public HeldLease? Lease => _holder.Leases.GetValueOrDefault(World.Service);

    public long ClosedEpoch => _world.Bugs.Has(Bug.ReleaseBeforeStop) && Lease is { Phase: LeasePhase.Stopping or LeasePhase.Draining } lease
        ? lease.Epoch
        : HolderMachine.ClosedEpoch(_holder, World.Service);

    public long ConsumedEpoch => _holder.Durable.Consumed.TryGetValue(World.Service, out var consumed) ? consumed.Epoch : 0;

    /// <summary>The service runs here.</summary>
    public bool RunsService => _running != 0;

    public void Begin()
    {
        if (_world.Trace.IsKept)
        {
            _world.Trace.Write(_node.Name, $"a guard starts; floor {Floor}, epoch {ConsumedEpoch} consumed");
        }

        Feed(new HolderStarted());
        _world.Schedule.After(LongestWait * _world.Random.Fraction(), LookAround);
    }

    public void Vote(VoterRequest request, Action<VoterReply> reply) => Run(() => Answer(request, reply));

    public void Feed(HolderInput input) => Run(() =>
    {
        Step(input);
    });

    public override void Kill()
    {
        base.Kill();
        _wake.Remove();
        _kill.Remove();
        _starting = 0;
        if (_running == 0)
        {
            _beside.Remove();
            return;
        }

        _node.Leftover = this;
        if (!_world.Bugs.Has(Bug.GuardPaused) && Lease is { ValidUntil: { } until } && _world.Random.Chance(0.5))
        {
            var latest = _host.FirstTrueTimeOf(until);
            _world.Schedule.At(_world.Random.Between(_world.Now, latest > _world.Now ? latest : _world.Now), EndService);
        }
    }

    /// <summary>The service of a killed guard ends before another guard takes over.</summary>
    public void EndLeftovers()
    {
        EndService();
        _beside.Remove();
    }

    /// <summary>The daemon came back, and finds a lease that was ended and is not over yet: a deliberate bug.</summary>
    public void AdoptClosedLease()
    {
        if (Lease is { Phase: LeasePhase.Closed, StopAt: { } stopAt } lease && !stopAt.MayHaveComeBy(_host.Now))
        {
            _holder = _holder with
            {
                Leases = _holder.Leases.SetItem(World.Service, lease with { Phase = LeasePhase.Running, NextRoundAt = _host.Now }),
            };
            BeginService(new StartService(World.Service, lease.Tenure, stopAt));
        }
    }

    /// <summary>The service ends by itself.</summary>
    public void ServiceFails()
    {
        if (_running is var epoch and not 0)
        {
            EndService();
            Feed(new ServiceDead(World.Service, epoch));
        }
    }

    private Binding Floor => _voter.Durable.Floors.TryGetValue(World.Service, out var floor) ? floor : Binding.None;

    private Instant Started()
    {
        if (_world.Bugs.Has(Bug.ZeroAmnesia))
        {
            return _host.Now - TimeSpan.FromDays(1);
        }

        // A successor that had waited for the lock since before its predecessor's last answer.
        return _world.Bugs.Has(Bug.StartReadBeforeLock) && _node.GuardEndedAt is { } ended
            ? ended - (_node.Configuration.Timings.Ttl * _world.Random.Fraction())
            : _host.Now;
    }

    private DurableVoterState TakeUpVoter()
    {
        var longest = _ttl;
        var state = _node.VoterDisk ?? new DurableVoterState(
            _world.Random.NextGuid(), longest, ImmutableSortedDictionary.Create<string, Binding>(StringComparer.Ordinal));
        if (_node.VoterDisk is null && _world.Bugs.Has(Bug.LearnsFromOthers))
        {
            // Of those who answer, the one that knows least.
            var other = _world.Nodes.Where(node => node.VoterDisk is { Floors.Count: > 0 }).MinBy(node => node.VoterDisk!.Floors[World.Service].Epoch);
            state = other is null ? state : state with { Floors = other.VoterDisk!.Floors };
        }

        if (state.LongestTtl < longest && !_world.Bugs.Has(Bug.TtlMismatch))
        {
            state = state with { LongestTtl = longest };
        }

        _node.VoterDisk = state;
        return state;
    }

    private void Answer(VoterRequest request, Action<VoterReply> reply)
    {
        if (_world.Bugs.Has(Bug.RemainingBeforeRise) && request is Fence fence)
        {
            RiseLater(fence, reply);
            return;
        }

        var (next, effects) = SabotagedVoter.Handle(_world.Bugs, _voter, request, _host.Now, _ttl);
        CarryVote(next, effects, 0, reply);
    }

    private void CarryVote(VoterState next, ImmutableArray<VoterEffect> effects, int from, Action<VoterReply> reply)
    {
        for (var i = from; i < effects.Length; i++)
        {
            var here = i;
            if (!GoesOn(() => CarryVote(next, effects, here, reply)))
            {
                return;
            }

            switch (effects[i])
            {
                case PersistVoter when _node.DiskFull > 0:
                    // The state before stands, and nobody is answered.
                    return;
                case PersistVoter persist:
                    Persist(persist.State);
                    break;
                case Answer answer:
                    if (next.Durable.Floors.TryGetValue(World.Service, out var floor) && floor != Floor)
                    {
                        _world.Ledger.FloorRose(_node.Name, floor);
                        if (_world.Trace.IsKept)
                        {
                            _world.Trace.Write(_node.Name, $"the voter's floor is {floor} now");
                        }
                    }

                    _voter = next;
                    reply(answer.Reply);
                    break;
            }
        }
    }

    private void Persist(DurableVoterState state) =>
        _node.VoterDisk = _world.Bugs.Has(Bug.FloorNotPersisted) && _node.VoterDisk is { } before && before.Floors.Count > 0
            ? state with { Floors = before.Floors }
            : state;

    /// <summary>A deliberate bug: what is left of the promise is read, and the floor raised some time later.</summary>
    private void RiseLater(Fence fence, Action<VoterReply> reply)
    {
        var (_, early) = VoterMachine.Handle(_voter, fence, _host.Now);
        if (early[^1] is not Answer { Reply: FenceReply { Outcome: FenceOutcome.Raised } raised })
        {
            var (same, effects) = VoterMachine.Handle(_voter, fence, _host.Now);
            CarryVote(same, effects, 0, reply);
            return;
        }

        _world.Schedule.After(TimeSpan.FromSeconds(_world.Random.Fraction()), () => Run(() =>
        {
            var (next, effects) = VoterMachine.Handle(_voter, fence with { OverPromises = true }, _host.Now);
            CarryVote(next, effects, 0, late => reply(late is FenceReply { Outcome: FenceOutcome.Raised } risen ? risen with { Remaining = raised.Remaining } : late));
        }));
    }

    private void Step(HolderInput input)
    {
        var (next, effects) = SabotagedHolder.Handle(_world.Bugs, _holder, input, _host.Now);
        if (effects.IsEmpty)
        {
            TakeOver(next);
            SetAlarms();
            return;
        }

        // As the shell does: what is to be durable first, then the service, then what the others are told.
        CarryHolder(next, effects.Length == 1 ? effects : [.. effects.OrderBy(Rank)], 0, taken: false);
    }

    private static int Rank(HolderEffect effect) => effect switch
    {
        PersistHolder => 0,
        StartService or StopService => 1,
        SendRenew => 2,
        _ => 3,
    };

    private void CarryHolder(HolderState next, ImmutableArray<HolderEffect> effects, int from, bool taken)
    {
        for (var i = from; i < effects.Length; i++)
        {
            var (here, wasTaken) = (i, taken);
            if (!GoesOn(() => CarryHolder(next, effects, here, wasTaken)))
            {
                return;
            }

            if (effects[i] is PersistHolder persist)
            {
                if (_node.DiskFull > 0)
                {
                    // The state before stands, so the epoch is not used.
                    return;
                }

                _node.HolderDisk = persist.State;
                _world.Ledger.Consumed(_node.Name, persist.State.Consumed[World.Service].Epoch);
                continue;
            }

            if (!taken)
            {
                TakeOver(next);
                taken = true;
            }

            Carry(effects[i]);
        }

        if (!taken)
        {
            TakeOver(next);
        }

        SetAlarms();
    }

    private void TakeOver(HolderState next)
    {
        var before = Lease;
        _holder = next;
        if (Lease is not { } lease || ReferenceEquals(lease, before))
        {
            return;
        }

        _world.Ledger.Seen(_host, lease);
        if (before?.Phase != lease.Phase || before.Epoch != lease.Epoch)
        {
            if (_world.Trace.IsKept)
            {
                _world.Trace.Write(_node.Name, $"epoch {lease.Epoch} is {lease.Phase}{(lease.Reason is null ? "" : $": {lease.Reason}")}");
            }

            _node.Daemon?.Poke();
        }
    }

    private void Carry(HolderEffect effect)
    {
        switch (effect)
        {
            case SendRenew send:
                AskVoter(
                    send.Voter,
                    send.Renew,
                    MessageKinds.Renew,
                    reply => Feed(new RenewAnswered((RenewReply)reply)),
                    () => Feed(new RenewUnanswered(World.Service, send.Voter, send.Renew.Round)));
                break;
            case SendRelease send:
                AskVoter(send.Voter, send.Release, MessageKinds.Release, static _ => { });
                break;
            case StartService start:
                BeginService(start);
                break;
            case StopService stop:
                BeginStopping(stop);
                break;
        }
    }

    private void AskVoter(string voter, VoterRequest request, MessageKinds kind, Action<VoterReply> answered, Action? refused = null)
    {
        if (voter == SqlVoterMachine.Name)
        {
            _sql.Ask(request, answered);
        }
        else
        {
            _world.Ask(_node, voter, request, kind, this, answered, refused);
        }
    }

    private void BeginService(StartService start)
    {
        _starting = start.Tenure;

        // A process comes to its gate when it does; now and then that takes long.
        var takes = _world.Random.Chance(0.1) ? _node.Configuration.Timings.Ttl * (_world.Random.Fraction() * 2) : TimeSpan.FromMilliseconds(_world.Random.Below(20));
        if (_world.Bugs.Has(Bug.UnguardedStart))
        {
            _world.Schedule.After(takes, () => PassGate(start.Tenure, unguarded: true));
            return;
        }

        _world.Schedule.After(takes, () => Run(() => PassGate(start.Tenure, unguarded: false)));
    }

    private void PassGate(long tenure, bool unguarded)
    {
        if (unguarded)
        {
            _starting = 0;
            _running = tenure;
            _world.Ledger.Started(_host, tenure);
            return;
        }

        // Checked and started in one process (R14).
        if (_starting == tenure && Lease is { Phase: LeasePhase.Running, StopAt: { } stopAt } lease && lease.Tenure == tenure && !stopAt.MayHaveComeBy(_host.Now))
        {
            _starting = 0;
            _running = tenure;
            _node.Content.BeginWriting(_world);
            _world.Shared.ServiceStarts(_node, tenure);
            _world.Ledger.Started(_host, tenure);
            SetAlarms();
        }
    }

    private void BeginStopping(StopService stop)
    {
        _stopping = stop.Tenure;
        _starting = 0;
        if (_world.Bugs.Has(Bug.ReleaseBeforeStop) && Lease is { } lease)
        {
            foreach (var voter in lease.Voters)
            {
                AskVoter(voter, new Release(World.Service, lease.Epoch, _node.Name), MessageKinds.Release, static _ => { });
            }
        }

        // Dead somewhere between at once and the moment of the kill; what is killed is over by the deadline, and not always before.
        var now = _host.Now;
        var latest = Lease?.ValidUntil is { } until && stop.KillAt.LeastRemaining(until) > TimeSpan.Zero ? until : stop.KillAt;
        latest = _running != 0 && Lease is { Phase: LeasePhase.Stopping, ValidUntil: { } deadline } ? deadline : latest;
        var left = latest.LeastRemaining(now) - Tick;
        var at = left <= TimeSpan.Zero || _running == 0 ? TimeSpan.Zero : _world.Random.Chance(0.5) ? left : left * _world.Random.Fraction();
        _kill.Set(now + at);
    }

    private void FinishStopping()
    {
        if (_stopping is var epoch and not 0)
        {
            _stopping = 0;
            if (_running == epoch)
            {
                EndService();
            }

            Step(new ServiceDead(World.Service, epoch));
        }
    }

    private void EndService()
    {
        if (_running is var epoch and not 0)
        {
            _running = 0;
            _node.Content.EndWriting(_world);
            _world.Ledger.Ended(_host, epoch);
            if (Dead)
            {
                _beside.Remove();
            }
        }
    }

    private void SetAlarms()
    {
        if (Dead)
        {
            return;
        }

        if (HolderMachine.NextWake(_holder) is { } wake)
        {
            _wake.Set(wake);
        }
        else
        {
            _wake.Clear();
        }

        if (_running != 0 && Lease is { ValidUntil: { } until } && !_world.Bugs.Has(Bug.GuardPaused))
        {
            _beside.Set(until);
        }
    }

    /// <summary>What stands in for a daemon that is away: nothing is held for ever.</summary>
    private void LookAround()
    {
        if (Dead)
        {
            return;
        }

        _world.Schedule.After(LongestWait, LookAround);
        if (!Answers)
        {
            return;
        }

        if (_node.Daemon is not null || Lease is not { Phase: LeasePhase.Held or LeasePhase.Drained } lease)
        {
            _withoutDaemon = null;
            return;
        }

        _withoutDaemon ??= _host.Now;
        if (_host.Now.LongestSince(_withoutDaemon.Value) >= DaemonPatience)
        {
            _withoutDaemon = null;
            Feed(lease.Phase == LeasePhase.Held
                ? new DrainRequested(World.Service, lease.Tenure, TimeSpan.Zero, "no daemon put its content in place")
                : new CloseRequested(World.Service, lease.Tenure));
        }
    }
}
