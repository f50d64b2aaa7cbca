using System.Collections.Immutable;
using ClusterFs.Lease;
using ClusterFs.Lease.Holder;
using ClusterFs.Lease.Voter;

namespace ClusterFs.Simulation;

/// <summary>What survives a guard process on its host.</summary>
public sealed class GuardDisk(SeededRandom random, LeaseTimings timings)
{
    public DurableVoterState Voter { get; set; } = Empty(random, timings);

    public DurableHolderState Holder { get; set; } = DurableHolderState.Empty;

    public void Wipe() => Voter = Empty(random, timings);

    private static DurableVoterState Empty(SeededRandom random, LeaseTimings timings) =>
        new(random.NextGuid(), timings.Ttl, ImmutableSortedDictionary.Create<string, Binding>(StringComparer.Ordinal));
}

/// <summary>
/// A guard: the production voter and holder on one host, with the service they guard. When the process is killed or paused, the process
/// beside the service still ends it at the last deadline it heard of: as late as that, to be as dangerous as allowed.
/// </summary>
public sealed class GuardProcess
{
    private readonly World _world;
    private readonly Host _host;
    private readonly GuardDisk _disk;
    private readonly Queue<Action> _whilePaused = new();
    private VoterState _voter;
    private HolderState _holder;
    private long _wake;
    private long _running;
    private long _end;

    public GuardProcess(World world, Host host, GuardDisk disk)
    {
        _world = world;
        _host = host;
        _disk = disk;
        _voter = new VoterState(host.Name, host.Now, disk.Voter);
        _holder = new HolderState(host.Name, host.BootId, world.Random.NextGuid(), disk.Holder);
        Feed(new HolderStarted());
    }

    public bool Dead { get; private set; }

    public bool Paused { get; private set; }

    public HolderState Holder => _holder;

    /// <summary>Runs something in the process: now, or when it is resumed, or never.</summary>
    public void Run(Action action)
    {
        if (Paused)
        {
            _whilePaused.Enqueue(action);
        }
        else if (!Dead)
        {
            action();
        }
    }

    public void Vote(VoterRequest request, Action<VoterReply> reply) => Run(() =>
    {
        var (state, effects) = VoterMachine.Handle(_voter, request, _host.Now);
        _voter = state;
        foreach (var effect in effects)
        {
            switch (effect)
            {
                case PersistVoter persist:
                    _disk.Voter = persist.State;
                    break;
                case Answer answer:
                    reply(answer.Reply);
                    break;
            }
        }
    });

    public void Feed(HolderInput input) => Run(() => Step(input));

    public void Kill()
    {
        Dead = true;
        Paused = false;
        _whilePaused.Clear();
    }

    public void Pause() => Paused = true;

    public void Resume()
    {
        Paused = false;
        while (!Paused && _whilePaused.TryDequeue(out var action))
        {
            action();
        }
    }

    private void Step(HolderInput input)
    {
        var (state, effects) = HolderMachine.Handle(_holder, input, _host.Now);
        _holder = state;
        foreach (var effect in effects)
        {
            Carry(effect);
        }

        if (_holder.Leases.GetValueOrDefault(World.Service) is { Phase: LeasePhase.Running or LeasePhase.Draining } lease && _running == lease.Tenure)
        {
            EndServiceBy(lease.Tenure, lease.ValidUntil!.Value);
        }

        SetTimer();
    }

    private void Carry(HolderEffect effect)
    {
        switch (effect)
        {
            case PersistHolder persist:
                _disk.Holder = persist.State;
                break;
            case SendRenew send:
                _world.Ask(_host.Name, send.Voter, send.Renew, reply => Feed(new RenewAnswered((RenewReply)reply)), () => !Dead);
                break;
            case SendRelease send:
                _world.Ask(_host.Name, send.Voter, send.Release, _ => { }, () => !Dead);
                break;
            case StartService start:
                _running = start.Tenure;
                _world.Writers.Start(_host.Name, start.Tenure);
                break;
            case StopService stop:
                // Somewhere between at once and the moment of the kill.
                var latest = _host.FirstTrueTimeOf(stop.KillAt);
                var at = latest <= _world.Now ? _world.Now : _world.Random.Between(_world.Now, latest);
                _world.Schedule.At(at, () => Run(() =>
                {
                    EndService(stop.Tenure);
                    Step(new ServiceDead(World.Service, stop.Tenure));
                }));
                break;
        }
    }

    /// <summary>The process beside the service: whatever becomes of the guard, the service ends by the last deadline it heard of.</summary>
    private void EndServiceBy(long epoch, Instant deadline)
    {
        var number = ++_end;
        _world.Schedule.At(_host.FirstTrueTimeOf(deadline), () =>
        {
            if (number == _end)
            {
                EndService(epoch);
            }
        });
    }

    private void EndService(long epoch)
    {
        if (_running == epoch)
        {
            _running = 0;
            _world.Writers.End(_host.Name, epoch);
        }
    }

    private void SetTimer()
    {
        if (HolderMachine.NextWake(_holder) is not { } wake)
        {
            return;
        }

        var number = ++_wake;
        _world.Schedule.At(_host.FirstTrueTimeOf(wake) + TimeSpan.FromTicks(10), () =>
        {
            if (number == _wake)
            {
                Feed(new TimePassed());
            }
        });
    }

    /// <summary>The host's own end of its service, before a new guard process is accepted there.</summary>
    public void Sweep()
    {
        _end++;
        if (_running != 0)
        {
            EndService(_running);
        }
    }
}
