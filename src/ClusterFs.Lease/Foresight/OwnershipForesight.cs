using System.Collections.Immutable;
using System.Globalization;
using ClusterFs.Lease.Holder;
using ClusterFs.Lease.Ownership;
using ClusterFs.Lease.Voter;

namespace ClusterFs.Lease.Foresight;

/// <summary>
/// What would become of one service if something were lost now: the production machines of ownership, voters and holders, run ahead from the present
/// state in a time of their own. It knows only what somebody has told: of voters that they keep the promises which a healthy owner has just renewed, of
/// nodes that they go on as they last said. The voter in the database is run as any other, though it measures its promises in looks at a row, and answers
/// are not under way for any time: what comes out is about so, and no bound. Pure.
/// </summary>
public static class OwnershipForesight
{
    public static Foreseen Look(OwnershipState present, ForeseenWorld world, Instant now) => new Course(present, world, now).Run();

    private sealed class Course
    {
        private const int StepsPerTtl = 100;

        private readonly OwnershipSettings _settings;
        private readonly ForeseenWorld _world;
        private readonly Instant _begin;
        private readonly TimeSpan _step;
        private readonly TimeSpan _horizon;
        private readonly Dictionary<string, VoterState> _voters = new(StringComparer.Ordinal);
        private readonly Dictionary<string, HolderState> _holders = new(StringComparer.Ordinal);
        private readonly Dictionary<string, NodeReport> _reports = new(StringComparer.Ordinal);
        private readonly ImmutableArray<ForeseenStep>.Builder _steps = ImmutableArray.CreateBuilder<ForeseenStep>();
        private readonly Queue<OwnershipInput> _inputs = new();
        private readonly string? _owner;
        private readonly bool _ownerIsLost;
        private readonly Placement _placement;
        private OwnershipState? _ownership;
        private Instant _now;
        private string? _next;
        private TimeSpan? _leasedAfter;
        private TimeSpan? _stoppedAfter;
        private bool _journalMissed;

        public Course(OwnershipState present, ForeseenWorld world, Instant now)
        {
            _settings = present.Settings;
            _world = world;
            _begin = _now = now;
            var ttl = present.Record.OpenGrant?.Ttl ?? _settings.Timings.Ttl;
            _step = ttl / StepsPerTtl;
            _horizon = (ttl * 4) + (world.MembershipTakes * 3);
            _owner = present.Record.OpenGrant?.Node;

            // What is under way at this moment would never be answered here: it is decided again.
            _ownership = world.IsGone(world.DecidedOn) ? null : present with
            {
                Pending = null,
                AskedMove = null,
                Reserving = false,
                Fencing = present.Fencing is { } fencing ? fencing with { PowerAsked = false } : null,
            };
            _placement = present.Placement;
            Record = present.Record;
            foreach (var (node, heard) in present.Reports)
            {
                if (!world.IsGone(node) && OwnershipMachine.IsHeard(present, node, now))
                {
                    _reports[node] = heard.Report;
                }
            }

            foreach (var voter in present.Electorate.Union(_settings.Voters).Where(world.Votes))
            {
                _voters[voter] = VoterNow(voter, present.Record, ttl);
            }

            if (Record.OpenGrant is { } grant && _owner is not null && !world.IsGone(_owner) && _reports.TryGetValue(_owner, out var said))
            {
                _holders[_owner] = HolderNow(_owner, grant, said);
            }

            _ownerIsLost = _owner is not null && !(_holders.TryGetValue(_owner, out var holder) && holder.Leases.ContainsKey(_settings.Service));
        }

        private OwnershipRecord Record { get; set; }

        private TimeSpan Passed => _now.LongestSince(_begin);

        public Foreseen Run()
        {
            var reportAt = _begin;
            while (Passed < _horizon && _leasedAfter is null)
            {
                MoveOwnership();
                RunHolders();
                if (reportAt.HasComeBy(_now))
                {
                    reportAt = _now + ReportPace.Fastest.Every;
                    foreach (var report in _reports.Values)
                    {
                        _inputs.Enqueue(new NodeReported(report));
                    }
                }

                _inputs.Enqueue(new OwnershipTimePassed());
                Drive();
                _now += _step;
            }

            var taken = _settings.Nodes.Union(_settings.Voters).Where(node => node != _world.Killed && _world.Silent.Contains(node));
            return new Foreseen(_owner, _next, _leasedAfter, _stoppedAfter, _steps.ToImmutable())
            {
                OwnerIsLost = _ownerIsLost,
                TakenForLost = [.. taken, .. _ownerIsLost && _owner != _world.Killed ? [_owner!] : Array.Empty<string>()],
            };
        }

        private void Say(string text) => _steps.Add(new ForeseenStep(Passed, text));

        /// <summary>Membership notices; where the ownership actor was lost as well, another incarnation knows what the journal knows.</summary>
        private void MoveOwnership()
        {
            if (Passed < _world.MembershipTakes)
            {
                return;
            }

            var away = _settings.Nodes.Where(_world.IsGone).ToImmutableSortedSet(StringComparer.Ordinal);
            if (_ownership is null)
            {
                if (_world.DatabaseLost)
                {
                    SayOnceThatTheJournalIsMissed("its ownership cannot be recovered, because the journal's database is away");
                    return;
                }

                Say($"its ownership actor, which was on {_world.DecidedOn}, is started on another node and recovers from the journal");
                _ownership = OwnershipMachine.Start(_settings, Guid.NewGuid(), Record, _now) with { Placement = _placement };
            }

            if (!away.IsEmpty && !_ownership.Away.IsSupersetOf(away))
            {
                _inputs.Enqueue(new NodesAway(_ownership.Away.Union(away)));
            }
        }

        private void Drive()
        {
            while (_ownership is not null && _inputs.TryDequeue(out var input))
            {
                (_ownership, var effects) = OwnershipMachine.Handle(_ownership, input, _now);
                foreach (var effect in effects)
                {
                    CarryOut(effect);
                }
            }

            _inputs.Clear();
        }

        private void CarryOut(OwnershipEffect effect)
        {
            switch (effect)
            {
                case Journal when _world.DatabaseLost:
                case ReserveEpoch when _world.DatabaseLost:
                    SayOnceThatTheJournalIsMissed("nothing can be decided, because the journal's database is away");
                    break;
                case Journal journal:
                    Tell(journal.Event);
                    Record = Record.Apply(journal.Event);
                    _inputs.Enqueue(new Journalled(journal.Event));
                    break;
                case ReserveEpoch reserve:
                    _inputs.Enqueue(new EpochReserved(reserve.Epoch, reserve.Node, true));
                    break;
                case AskVoter ask when _voters.ContainsKey(ask.Voter):
                    _inputs.Enqueue(new VoterAnswered(Ask(ask.Voter, ask.Request)));
                    break;
                case RunFence fence:
                    // That it succeeds cannot be known: what takes longer is what is told.
                    Say($"the fence command runs against {fence.Node}; if it succeeds, the wait ends there and then");
                    break;
                case TellGrant tell when !_world.IsGone(tell.Node):
                    Grant(tell);
                    break;
            }
        }

        private void SayOnceThatTheJournalIsMissed(string text)
        {
            if (!_journalMissed)
            {
                _journalMissed = true;
                Say(text);
            }
        }

        private void Tell(OwnershipEvent happened)
        {
            switch (happened)
            {
                case FencingBegun fencing:
                    Say($"epoch {Number(fencing.Epoch)} is fenced: {(fencing.Cause == GrantCause.Failover ? "a majority of voters promises the owner nothing any more" : "it has no owner")}");
                    break;
                case OwnershipGranted grant:
                    _next = grant.Node;
                    Say($"epoch {Number(grant.Epoch)} is granted to {grant.Node}, the first of {string.Join(", ", _settings.Nodes)} that waits for it");
                    break;
                case OwnershipDamped damped:
                    Say($"it is left alone after {damped.Starts} starts, until `clusterfs resume {_settings.Service}`");
                    break;
            }
        }

        private VoterReply Ask(string voter, VoterRequest request)
        {
            (_voters[voter], var effects) = VoterMachine.Handle(_voters[voter], request, _now);
            return effects.OfType<Answer>().Single().Reply;
        }

        private void Grant(TellGrant tell)
        {
            if (!_holders.ContainsKey(tell.Node))
            {
                var last = _reports.TryGetValue(tell.Node, out var said) ? said.Epoch : 0;
                _holders[tell.Node] = NewHolder(tell.Node, last, tell.Grant.Voters);
            }

            Drive(tell.Node, new GrantReceived(
                _settings.Service, tell.Grant.Epoch, tell.Tenure, tell.Grant.Voters, new LeaseTimings(tell.Grant.Ttl, tell.Grant.StopBudget)));
        }

        private void RunHolders()
        {
            foreach (var node in _holders.Keys.ToList())
            {
                Drive(node, new TimePassed());
            }
        }

        private void Drive(string node, HolderInput input)
        {
            var inputs = new Queue<HolderInput>([input]);
            while (inputs.TryDequeue(out var next))
            {
                (_holders[node], var effects) = HolderMachine.Handle(_holders[node], next, _now);
                foreach (var effect in effects)
                {
                    switch (effect)
                    {
                        case SendRenew send when _voters.ContainsKey(send.Voter):
                            inputs.Enqueue(new RenewAnswered((RenewReply)Ask(send.Voter, send.Renew)));
                            break;
                        case SendRelease send when _voters.ContainsKey(send.Voter):
                            Ask(send.Voter, send.Release);
                            break;
                        case StopService stop when node == _owner && _stoppedAfter is null:
                            _stoppedAfter = Passed;
                            Say($"{node} stops the service: {stop.Reason}");
                            inputs.Enqueue(new ServiceDead(_settings.Service, stop.Tenure));
                            break;
                        case StopService stop:
                            inputs.Enqueue(new ServiceDead(_settings.Service, stop.Tenure));
                            break;
                    }
                }
            }

            Report(node);
        }

        private void Report(string node)
        {
            if (!_holders[node].Leases.TryGetValue(_settings.Service, out var lease) || !_reports.TryGetValue(node, out var said))
            {
                return;
            }

            _reports[node] = said with
            {
                Phase = lease.Phase,
                Epoch = lease.Epoch,
                ClosedEpoch = HolderMachine.ClosedEpoch(_holders[node], _settings.Service),
                Reason = lease.Reason,
            };
            if (node == _next && lease.Phase is LeasePhase.Held && _leasedAfter is null)
            {
                _leasedAfter = Passed;
                Say($"a majority of voters has renewed the lease of {node}, which puts the content in place and starts the service");
            }
        }

        /// <summary>Its promise to a living owner has just been renewed: the longest that there can be to wait.</summary>
        private VoterState VoterNow(string voter, OwnershipRecord record, TimeSpan ttl)
        {
            var durable = new DurableVoterState(
                Guid.NewGuid(), ttl, ImmutableSortedDictionary.Create<string, Binding>(StringComparer.Ordinal).Add(_settings.Service, record.Floor));
            var state = new VoterState(voter, _begin - (ttl * 2), durable);
            return record.OpenGrant is { } grant
                ? state with { Promises = state.Promises.Add(_settings.Service, new Promise(new Binding(grant.Epoch, grant.Node), _begin + grant.Ttl)) }
                : state;
        }

        /// <summary>A holder whose lease was renewed by the round that has just ended.</summary>
        private HolderState HolderNow(string node, OwnershipGranted grant, NodeReport said)
        {
            var timings = new LeaseTimings(grant.Ttl, grant.StopBudget);
            var holder = NewHolder(node, said.Epoch, grant.Voters);
            if (said.Phase is not { } phase || phase is LeasePhase.Closed)
            {
                return holder;
            }

            return holder with
            {
                Leases = holder.Leases.Add(
                    _settings.Service,
                    new HeldLease(
                        _settings.Service, said.Epoch, Record.Tenure, grant.Voters, timings, phase, _begin + (grant.Ttl * 3), _begin + grant.Ttl - timings.Margin)
                    {
                        NextRoundAt = _begin + timings.RenewEvery,
                        Prepared = phase is not LeasePhase.Acquiring,
                    }),
            };
        }

        private HolderState NewHolder(string node, long epoch, ImmutableSortedSet<string> voters) => new(
            node,
            "foreseen",
            Guid.NewGuid(),
            epoch == 0
                ? DurableHolderState.Empty
                : new DurableHolderState(DurableHolderState.Empty.Consumed.Add(_settings.Service, new ConsumedEpoch(epoch, voters))));

        private static string Number(long epoch) => epoch.ToString(CultureInfo.InvariantCulture);
    }
}
