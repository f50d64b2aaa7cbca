using System.Collections.Immutable;
using ClusterFs.Lease;
using ClusterFs.Lease.Holder;
using ClusterFs.Lease.Ownership;
using ClusterFs.Lease.Voter;

namespace ClusterFs.Simulation;

/// <summary>One incarnation of the service's ownership: the production machine on one host, over the shared journal.</summary>
public sealed class OwnershipProcess
{
    private readonly World _world;
    private readonly Host _host;
    private readonly Queue<Action> _whilePaused = new();
    private OwnershipState _state;
    private int _sequence;
    private long _wake;

    public OwnershipProcess(World world, Host host)
    {
        _world = world;
        _host = host;
        var record = world.Journal.Events.Aggregate(OwnershipRecord.Empty, (known, happened) => known.Apply(happened));
        _sequence = world.Journal.Events.Count;
        var settings = new OwnershipSettings(World.Service, world.Voters, [.. world.Voters], world.Settings.Timings);
        _state = OwnershipMachine.Start(settings, world.Random.NextGuid(), record, host.Now);
        world.Trace.Write(host.Name, $"an ownership incarnation recovers {_sequence} events");
        SetTimer();
    }

    public string On => _host.Name;

    public bool Dead { get; private set; }

    public bool Paused { get; private set; }

    public void Kill() => Dead = true;

    public void Pause() => Paused = true;

    public void Resume()
    {
        Paused = false;
        while (!Dead && !Paused && _whilePaused.TryDequeue(out var action))
        {
            action();
        }
    }

    public void Feed(OwnershipInput input)
    {
        if (Paused)
        {
            _whilePaused.Enqueue(() => Step(input));
        }
        else if (!Dead)
        {
            Step(input);
        }
    }

    private void Step(OwnershipInput input)
    {
        var (state, effects) = OwnershipMachine.Handle(_state, input, _host.Now);
        _state = state;
        foreach (var effect in effects)
        {
            if (!Dead)
            {
                Carry(effect);
            }
        }

        SetTimer();
    }

    private void Carry(OwnershipEffect effect)
    {
        switch (effect)
        {
            case Journal journal:
                _world.Schedule.After(_world.JournalDelay(), () => Write(journal.Event));
                break;
            case ReserveEpoch reserve:
                _world.Schedule.After(_world.JournalDelay(), () =>
                {
                    if (_world.Journal.Reserve(reserve.Epoch, reserve.Node) is { } reserved)
                    {
                        Feed(new EpochReserved(reserve.Epoch, reserve.Node, reserved));
                    }
                    else
                    {
                        Kill();
                    }
                });
                break;
            case AskVoter ask:
                _world.Ask(_host.Name, ask.Voter, ask.Request, reply => Feed(new VoterAnswered(reply)), () => !Dead);
                break;
            case TellGrant tell:
                _world.Trace.Write(_host.Name, $"tells {tell.Node} of epoch {tell.Grant.Epoch}");
                _world.Network.Send(_host.Name, tell.Node, () => _world.Guard(tell.Node)?.Feed(new GrantReceived(
                    World.Service, tell.Grant.Epoch, tell.Tenure, tell.Grant.Voters, new LeaseTimings(tell.Grant.Ttl, tell.Grant.StopBudget))));
                break;
            case TellDrain tell:
                _world.Network.Send(_host.Name, tell.Node, () =>
                    _world.Guard(tell.Node)?.Feed(new DrainRequested(World.Service, tell.Tenure, TimeSpan.FromSeconds(2), "a move")));
                break;
            case RecoverAgain recover:
                _world.Trace.Write(_host.Name, $"stops to recover: {recover.Reason}");
                Kill();
                break;
        }
    }

    private void Write(OwnershipEvent happened)
    {
        if (Dead)
        {
            return;
        }

        var outcome = _world.Journal.Append(_sequence, happened);
        _world.Trace.Write(_host.Name, $"journals {happened}: {outcome}");
        if (outcome == AppendOutcome.Committed)
        {
            _sequence++;
            Feed(new Journalled(happened));
        }
        else
        {
            Kill();
        }
    }

    private void SetTimer()
    {
        if (OwnershipMachine.NextWake(_state, _host.Now) is not { } wake)
        {
            return;
        }

        var number = ++_wake;
        _world.Schedule.At(_host.TrueTimeOf(wake) + TimeSpan.FromTicks(10), () =>
        {
            if (number == _wake)
            {
                Feed(new OwnershipTimePassed());
            }
        });
    }
}
