using System.Collections.Immutable;
using ClusterFs.Lease;
using ClusterFs.Lease.Holder;
using ClusterFs.Lease.Ownership;
using ClusterFs.Lease.SqlVoter;
using ClusterFs.Lease.Voter;

namespace ClusterFs.Simulation;

/// <summary>One incarnation of the service's ownership: the production machine on one node, over the shared journal.</summary>
public sealed class OwnershipProcess : SimulatedProcess
{
    private static readonly TimeSpan JournalPatience = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan LongestFence = TimeSpan.FromSeconds(3);

    private readonly World _world;
    private readonly Alarm _wake;
    private readonly SqlVoteAsker _sql;
    private readonly Dictionary<string, ProbeReply> _oldAnswers = new(StringComparer.Ordinal);
    private OwnershipState _state;
    private int _sequence;

    public OwnershipProcess(World world, Node node, OwnershipRecord record, int sequence)
    {
        _world = world;
        Node = node;
        _sql = new SqlVoteAsker(world, node, this);
        _sequence = sequence;
        var configuration = node.Configuration;
        var settings = new OwnershipSettings(
            World.Service, configuration.Voters, [.. world.Nodes.Select(candidate => candidate.Name)], configuration.Timings)
        {
            PowerFencing = world.Scenario.HasFenceCommand ? new PowerFencing([.. world.Nodes.Select(candidate => candidate.Name)]) : null,
        };
        _state = Spoil(null, OwnershipMachine.Start(settings, world.Random.NextGuid(), record, node.Host.Now));
        _wake = new Alarm(node.Host, early: false, () => Feed(new OwnershipTimePassed()));
        if (world.Trace.IsKept)
        {
            world.Trace.Write(node.Name, $"an ownership incarnation recovers {sequence} events, epoch {record.Epoch}");
        }

        SetAlarm();
    }

    public Node Node { get; }

    public OwnershipState State => _state;

    public override void Kill()
    {
        base.Kill();
        _wake.Remove();
    }

    public void Feed(OwnershipInput input) => Run(() => Step(input));

    private void Step(OwnershipInput input)
    {
        if (_world.Bugs != Bugs.None)
        {
            input = Spoil(input);
        }

        var before = _state;
        var (state, effects) = OwnershipMachine.Handle(_state, input, Node.Host.Now);
        _state = _world.Bugs == Bugs.None ? state : Spoil(before, state);
        if (_world.Bugs.Has(Bug.PowerFenceFirst) && input is Journalled { Event: FencingBegun fencing } && state.Record.OpenGrant is { } open)
        {
            effects = [.. effects.Where(effect => effect is not AskVoter { Request: Fence })];
            PowerFence(open.Node, fencing.Epoch);
        }

        Carry(effects, 0);
        if (_world.Bugs.Has(Bug.FenceRightAfterGrant) && before.BelieveExpiryFrom != _state.BelieveExpiryFrom)
        {
            _world.Schedule.After(TimeSpan.Zero, () => Feed(new OwnershipTimePassed()));
        }

        if (_world.Bugs.Has(Bug.OldProbeAnswers) && !Dead && _state.Probing is { } round && round.Nonce != before.Probing?.Nonce)
        {
            foreach (var old in _oldAnswers.Values.ToList())
            {
                Step(new VoterAnswered(old with { Nonce = round.Nonce }));
            }
        }
    }

    private void Carry(ImmutableArray<OwnershipEffect> effects, int from)
    {
        for (var i = from; i < effects.Length; i++)
        {
            var here = i;
            if (!GoesOn(() => Carry(effects, here)))
            {
                return;
            }

            Carry(effects[i]);
        }

        SetAlarm();
    }

    private void Carry(OwnershipEffect effect)
    {
        switch (effect)
        {
            case Journal journal:
                if (_world.Bugs.Has(Bug.ToldBeforePersisted) && journal.Event is OwnershipGranted early)
                {
                    Carry(new TellGrant(early.Node, early, early.Epoch));
                }

                Write(journal.Event);
                break;
            case ReserveEpoch reserve:
                AskDatabase(
                    () => _world.Bugs.Has(Bug.NoUniqueConstraint) || _world.Journal.Reserve(reserve.Epoch, reserve.Node),
                    reserved => Step(new EpochReserved(reserve.Epoch, reserve.Node, reserved)));
                break;
            case AskVoter { Voter: SqlVoterMachine.Name } ask:
                _sql.Ask(ask.Request, reply => Step(new VoterAnswered(reply)));
                break;
            case AskVoter ask:
                _world.Ask(Node, ask.Voter, ask.Request, ask.Request is Fence ? MessageKinds.Fence : MessageKinds.Question, this, reply => Feed(new VoterAnswered(reply)));
                break;
            case TellGrant tell:
                if (_world.Trace.IsKept)
                {
                    _world.Trace.Write(Node.Name, $"tells {tell.Node} of epoch {tell.Grant.Epoch}");
                }

                var grant = new GrantReceived(
                    World.Service, tell.Grant.Epoch, tell.Tenure, tell.Grant.Voters, new LeaseTimings(tell.Grant.Ttl, tell.Grant.StopBudget));
                var to = _world.Named(tell.Node);
                _world.Network.Send(Node.Number, to.Number, MessageKinds.Grant, () => to.Daemon?.Hear(grant));
                break;
            case TellDrain tell:
                var owner = _world.Named(tell.Node);
                _world.Network.Send(Node.Number, owner.Number, MessageKinds.Drain, () => owner.Daemon?.Hear(tell));
                break;
            case RunFence fence:
                RunFenceCommand(fence);
                break;
            case RecoverAgain when _world.Bugs.Has(Bug.NextNumber):
                TryNextNumber();
                break;
            case RecoverAgain recover:
                if (_world.Trace.IsKept)
                {
                    _world.Trace.Write(Node.Name, $"stops to recover: {recover.Reason}");
                }

                Kill();
                break;
        }
    }

    private void Write(OwnershipEvent happened)
    {
        var sequence = _sequence;
        AskDatabase(
            () => _world.Journal.Append(sequence, happened),
            appended =>
            {
                if (_world.Trace.IsKept)
                {
                    _world.Trace.Write(Node.Name, $"{(appended ? "journalled" : "could not journal")} {Words(happened)}");
                }

                if (!appended)
                {
                    Kill();
                    return;
                }

                _sequence = sequence + 1;
                Step(new Journalled(happened));
            });
    }

    private static string Words(OwnershipEvent happened) => happened switch
    {
        FencingBegun fencing => $"the intent to fence up to epoch {fencing.Epoch} ({fencing.Cause})",
        OwnershipGranted grant => $"the grant of epoch {grant.Epoch} to {grant.Node}, voters {string.Join(",", grant.Voters)}, TTL {grant.Ttl.TotalSeconds} s",
        OwnershipContinued continued => $"that {continued.Node} goes on under epoch {continued.Epoch}",
        OwnershipReleased released => $"the release of epoch {released.Epoch} by {released.Node}",
        VoterJoined joined => $"that voter {joined.Voter} joins",
        _ => happened.GetType().Name,
    };

    /// <summary>Whoever gets no answer from the database knows nothing, and stops.</summary>
    private void AskDatabase<T>(Func<T> ask, Action<T> answered)
    {
        var heard = false;
        _world.AskDatabase(Node, ask, answer =>
        {
            heard = true;
            Run(() => answered(answer));
        });
        _world.Schedule.After(_world.JournalLatency + JournalPatience, () =>
        {
            if (!heard && !Dead)
            {
                _world.Trace.Write(Node.Name, "stops: the journal does not answer");
                Kill();
            }
        });
    }

    private void SetAlarm()
    {
        if (Dead)
        {
            return;
        }

        if (OwnershipMachine.NextWake(_state, Node.Host.Now) is { } wake)
        {
            _wake.Set(wake);
        }
        else
        {
            _wake.Clear();
        }
    }

    /// <summary>It takes a while, may fail, and goes on when whoever began it is gone.</summary>
    private void RunFenceCommand(RunFence fence)
    {
        var lasts = LongestFence * _world.Random.Fraction();
        var fails = _world.Random.Chance(0.3);
        var off = _state.Settings.Timings.Ttl * (_world.Random.Fraction() * 3);
        _world.Schedule.After(lasts, () =>
        {
            if (!fails)
            {
                _world.Trace.Write(fence.Node, "its power is cut");
                _world.Schedule.After(off, _world.Named(fence.Node).TakeHostDown());
            }

            Feed(new NodeFenced(fence.Node, fence.Epoch, !fails, fails ? "refused" : "off"));
        });
    }

    private OwnershipInput Spoil(OwnershipInput input)
    {
        switch (input)
        {
            case NodeFenced failed when _world.Bugs.Has(Bug.FailedFenceEndsWait):
                return failed with { Succeeded = true };
            case VoterAnswered { Reply: FenceReply { Outcome: FenceOutcome.Raised } raised } when _world.Bugs.Has(Bug.FenceDoesNotWait):
                return new VoterAnswered(raised with { Remaining = TimeSpan.Zero });
            case VoterAnswered { Reply: ProbeReply probe } when _world.Bugs.Has(Bug.OldProbeAnswers):
                _oldAnswers[probe.Voter] = probe;
                return _state.Probing is { } round ? new VoterAnswered(probe with { Nonce = round.Nonce }) : input;
            default:
                return input;
        }
    }

    private OwnershipState Spoil(OwnershipState? before, OwnershipState state)
    {
        if (_world.Bugs.Has(Bug.VoterSetUngoverned) && state.Record.Grant is { } grant && !grant.Voters.SetEquals(state.Settings.Voters))
        {
            state = state with { Record = state.Record with { Grant = grant with { Voters = state.Settings.Voters } } };
        }

        if (_world.Bugs.Has(Bug.FenceRightAfterGrant) && before?.BelieveExpiryFrom != state.BelieveExpiryFrom)
        {
            state = state with { BelieveExpiryFrom = Node.Host.Now, NextProbeAt = Node.Host.Now };
        }

        if (_world.Bugs.Has(Bug.ProbesExpiryAtOnce) && state.Probing is { } probing && probing.Answers.Values.Any(answer => !answer.Abstains && answer.Remaining <= TimeSpan.Zero))
        {
            state = state with { Expired = state.Record.OpenGrant is not null };
        }

        if (state.Fencing is { Raised.Count: > 0 } fencing && fencing != before?.Fencing)
        {
            if (_world.Bugs.Has(Bug.FencesAMinority))
            {
                var over = fencing.Raised.First().Value;
                state = state with
                {
                    Fencing = fencing with { Raised = fencing.Raised.SetItems(state.Electorate.Select(voter => KeyValuePair.Create(voter, over))) },
                };
            }
            else if (_world.Bugs.Has(Bug.WaitsTheShortest))
            {
                var shortest = fencing.Raised.Values.MinBy(until => until.Boottime);
                state = state with
                {
                    Fencing = fencing with { Raised = fencing.Raised.SetItems(fencing.Raised.Keys.Select(voter => KeyValuePair.Create(voter, shortest))) },
                };
            }
        }

        return state;
    }

    /// <summary>A deliberate bug: the old owner's power is cut and comes back, and that takes the place of the floors' fence.</summary>
    private void PowerFence(string owner, long epoch)
    {
        var now = Node.Host.Now;
        _world.Schedule.After(TimeSpan.FromSeconds(1), _world.Named(owner).TakeHostDown());
        _state = _state with
        {
            Fencing = new FenceRound(
                Guid.Empty, epoch, now, _state.Electorate.ToImmutableSortedDictionary(voter => voter, _ => now, StringComparer.Ordinal)),
        };
        Feed(new OwnershipTimePassed());
    }

    /// <summary>A deliberate bug: refused by a higher floor, the number after it is tried.</summary>
    private void TryNextNumber()
    {
        var highest = _world.Nodes.Max(node => node.VoterDisk?.Floors.GetValueOrDefault(World.Service).Epoch ?? 0);
        _state = _state with
        {
            Record = _state.Record.Apply(new FencingBegun(DateTimeOffset.UnixEpoch, Math.Max(highest, _state.Record.Epoch) + 1, GrantCause.Failover)),
            Fencing = null,
            Reserving = false,
        };
        Feed(new OwnershipTimePassed());
    }
}
