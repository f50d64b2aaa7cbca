using System.Collections.Immutable;
using ClusterFs.Lease.Voter;

namespace ClusterFs.Lease.Holder;

/// <summary>
/// The holder of one node's leases: a pure function of state, input and time. It renews, says when a service may start, and when it has
/// to be stopped so that it is dead before any voter's promise ends.
/// </summary>
public static class HolderMachine
{
    /// <summary>An epoch without a majority is given up after this many TTLs: by then the ownership actor knows better.</summary>
    private const int AcquireTtls = 3;

    /// <summary>As many as begin in a TTL where each is brought forward: late answers to the first of them still count.</summary>
    private const int OpenRounds = 20;

    public static (HolderState State, ImmutableArray<HolderEffect> Effects) Handle(HolderState state, HolderInput input, Instant now)
    {
        var step = new Step(state, now);
        var subject = SubjectOf(input);

        // Whatever arrives, time goes first: a lease that ran out while this process was paused is not renewed by a late answer.
        foreach (var service in step.Of(subject))
        {
            step.Expire(service);
        }

        switch (input)
        {
            case TimePassed:
                break;
            case HolderStarted:
                step.ReleaseConsumed();
                break;
            case GrantReceived grant:
                step.Consume(grant);
                break;
            case RenewAnswered answered:
                step.Count(answered.Reply);
                break;
            case RenewUnanswered unanswered:
                step.BringForward(unanswered);
                break;
            case ContentPrepared prepared:
                step.Update(prepared.Service, prepared.Tenure, lease => lease with { Prepared = true });
                break;
            case DrainRequested drain:
                step.Drain(drain);
                break;
            case ServiceDead dead:
                step.Bury(dead);
                break;
            case CloseRequested close:
                step.CloseDrained(close);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(input), input, "unknown input");
        }

        // A round that is due takes along those that soon will be, so that many services come to share one message per voter.
        // One that was brought forward takes along only those that were too: healthy leases need no more rounds because of it.
        var share = (AtItsTime: subject is null && step.IsAnyRoundDue(early: false), Early: subject is null && step.IsAnyRoundDue(early: true));
        foreach (var service in step.Of(subject))
        {
            step.StartIfReady(service);
            step.RenewIfDue(service, share.AtItsTime, share.Early);
        }

        return step.Result;
    }

    /// <summary>The one service whose lease an input is about; null when it is about all.</summary>
    public static string? SubjectOf(HolderInput input) => input switch
    {
        GrantReceived grant => grant.Service,
        RenewAnswered answered => answered.Reply.Service,
        RenewUnanswered unanswered => unanswered.Service,
        ContentPrepared prepared => prepared.Service,
        DrainRequested drain => drain.Service,
        ServiceDead dead => dead.Service,
        CloseRequested close => close.Service,
        _ => null,
    };

    /// <summary>When the machine next has something to do by itself; null when nothing is due.</summary>
    public static Instant? NextWake(HolderState state)
    {
        Instant? next = null;
        foreach (var lease in state.Leases.Values)
        {
            var due = lease.Phase switch
            {
                LeasePhase.Acquiring => Earlier(lease.NextRoundAt, lease.GivesUpAt),
                LeasePhase.Closed or LeasePhase.Stopping => null,
                _ => Earlier(lease.NextRoundAt, lease.StopAt),
            };
            next = Earlier(next, due);
        }

        return next;
    }

    /// <summary>The highest epoch of a service that is over for good on this node; everything at or below it is.</summary>
    public static long ClosedEpoch(HolderState state, string service) =>
        state.Leases.TryGetValue(service, out var lease) && lease.Phase != LeasePhase.Closed
            ? lease.Tenure - 1
            : state.Durable.Consumed.TryGetValue(service, out var consumed) ? consumed.Epoch : 0;

    private static Instant? Earlier(Instant? one, Instant? other) =>
        one is not { } a ? other : other is not { } b ? a : a.Boottime <= b.Boottime ? a : b;

    private sealed class Step(HolderState state, Instant now)
    {
        private readonly ImmutableArray<HolderEffect>.Builder _effects = ImmutableArray.CreateBuilder<HolderEffect>();
        private HolderState _state = state;

        public (HolderState, ImmutableArray<HolderEffect>) Result => (_state, _effects.ToImmutable());

        public bool IsAnyRoundDue(bool early) =>
            _state.Leases.Values.Any(lease => lease.IsNextRoundEarly == early && IsRenewed(lease.Phase) && lease.NextRoundAt.MayHaveComeBy(now));

        public IEnumerable<string> Of(string? subject) =>
            subject is null ? _state.Leases.Keys : _state.Leases.ContainsKey(subject) ? [subject] : [];

        public void Expire(string service)
        {
            var lease = _state.Leases[service];
            switch (lease.Phase)
            {
                case LeasePhase.Acquiring when lease.GivesUpAt.MayHaveComeBy(now):
                    BeginStopping(lease, now, "no majority of voters acknowledged the lease");
                    break;
                case LeasePhase.Drained when lease.StopAt is { } stopAt && stopAt.MayHaveComeBy(now):
                    Close(lease, "the lease ran out");
                    break;
                case LeasePhase.Held or LeasePhase.Running or LeasePhase.Draining when lease.StopAt is { } stopAt && stopAt.MayHaveComeBy(now):
                    BeginStopping(lease, lease.KillAt!.Value, "the lease runs out: no majority of voters renewed it");
                    break;
            }
        }

        /// <summary>A new process holds nothing, so every epoch used before it is over: say so to the voters, and nobody waits for it.</summary>
        public void ReleaseConsumed()
        {
            foreach (var (service, consumed) in _state.Durable.Consumed)
            {
                if (!_state.Leases.ContainsKey(service))
                {
                    SendReleases(service, consumed.Epoch, consumed.Voters);
                }
            }
        }

        public void Consume(GrantReceived grant)
        {
            var consumed = _state.Durable.Consumed.TryGetValue(grant.Service, out var before) ? before.Epoch : 0;
            var current = _state.Leases.GetValueOrDefault(grant.Service);

            if (grant.Epoch <= consumed)
            {
                return;
            }

            if (grant.Tenure < grant.Epoch)
            {
                Continue(grant, current);
            }
            else if (current is null or { Phase: LeasePhase.Closed })
            {
                // A new epoch starts on a node only after the service of the old one is dead (R14).
                Persist(grant);
                Set(new HeldLease(
                    grant.Service,
                    grant.Epoch,
                    grant.Tenure,
                    grant.Voters,
                    grant.Timings,
                    LeasePhase.Acquiring,
                    now + (grant.Timings.Ttl * AcquireTtls))
                {
                    NextRoundAt = now,
                });
            }
        }

        /// <summary>
        /// The service runs on, and its deadline stands: the same voters' promises to the epoch before still run. Whoever does not run that
        /// tenure has no such promises, and no fence was waited out for it, so the grant is nothing to it (R13).
        /// </summary>
        private void Continue(GrantReceived grant, HeldLease? current)
        {
            if (current is { Phase: LeasePhase.Running } && current.Tenure == grant.Tenure && current.Voters.SetEquals(grant.Voters))
            {
                Persist(grant);
                Set(current with { Epoch = grant.Epoch, Rounds = [], NextRoundAt = now, IsNextRoundEarly = false });
            }
        }

        private void Persist(GrantReceived grant)
        {
            var durable = new DurableHolderState(_state.Durable.Consumed.SetItem(grant.Service, new ConsumedEpoch(grant.Epoch, grant.Voters)));
            _effects.Add(new PersistHolder(durable));
            _state = _state with { Durable = durable };
        }

        public void Count(RenewReply reply)
        {
            if (reply.Outcome != RenewOutcome.Acked
                || reply.Node != _state.Node
                || reply.Round.BootId != _state.BootId
                || reply.Round.Incarnation != _state.Incarnation)
            {
                return;
            }

            if (!_state.Leases.TryGetValue(reply.Service, out var current) || current.Epoch != reply.Epoch)
            {
                return;
            }

            Update(reply.Service, current.Tenure, lease =>
            {
                if (!IsRenewed(lease.Phase) || !lease.Voters.Contains(reply.Voter))
                {
                    return lease;
                }

                if (lease.Silent.Contains(reply.Voter))
                {
                    lease = lease with { Silent = lease.Silent.Remove(reply.Voter) };
                }

                if (lease.Rounds.Find(candidate => candidate.Number == reply.Round.Number) is not { } round)
                {
                    return lease;
                }

                var acked = round with { AckedBy = round.AckedBy.Add(reply.Voter) };
                if (!Quorum.Reached(lease.Voters, acked.AckedBy))
                {
                    return lease with { Rounds = lease.Rounds.Replace(round, acked) };
                }

                var validUntil = acked.BegunAt + (lease.Timings.Ttl - lease.Timings.Margin);
                if ((validUntil - lease.Timings.StopBudget).MayHaveComeBy(now))
                {
                    return lease with { Rounds = lease.Rounds.Remove(round) };
                }

                // A majority after all: what was brought forward because of this round is not needed.
                var isRegular = lease.IsNextRoundEarly && lease.Rounds[^1].Number == acked.Number;
                return lease with
                {
                    NextRoundAt = isRegular ? acked.BegunAt + lease.Timings.RenewEvery : lease.NextRoundAt,
                    IsNextRoundEarly = lease.IsNextRoundEarly && !isRegular,
                    Rounds = lease.Rounds.RemoveAll(open => open.Number <= acked.Number),
                    Silent = lease.Voters.Except(acked.AckedBy),
                    ValidUntil = validUntil,
                    Phase = lease.Phase == LeasePhase.Acquiring ? LeasePhase.Held : lease.Phase,
                };
            });
        }

        /// <summary>
        /// A voter that is gone for a moment must not cost as much as the moment and the time to the next round: where those that are likely to
        /// answer are no majority, the next round begins soon. A machine without power refuses nothing and is known for unreachable only late,
        /// so whoever was silent last is not counted on. The round stays open: whoever answers it after all has promised.
        /// </summary>
        public void BringForward(RenewUnanswered unanswered)
        {
            if (unanswered.Round.BootId != _state.BootId
                || unanswered.Round.Incarnation != _state.Incarnation
                || !_state.Leases.TryGetValue(unanswered.Service, out var lease)
                || lease.Rounds.Find(candidate => candidate.Number == unanswered.Round.Number) is not { } round)
            {
                return;
            }

            var left = round with { UnansweredBy = round.UnansweredBy.Add(unanswered.Voter) };
            lease = lease with { Rounds = lease.Rounds.Replace(round, left) };
            if (Quorum.Reached(lease.Voters, left.AckedBy.Union(lease.Voters.Except(lease.Silent).Except(left.UnansweredBy))))
            {
                Set(lease);
                return;
            }

            var soon = now + lease.Timings.RetryAfter;
            var isEarlier = soon.Boottime < lease.NextRoundAt.Boottime;
            Set(lease with
            {
                Silent = lease.Voters.Except(left.AckedBy),
                NextRoundAt = isEarlier ? soon : lease.NextRoundAt,
                IsNextRoundEarly = isEarlier || lease.IsNextRoundEarly,
            });
        }

        public void Drain(DrainRequested drain)
        {
            if (!TryGet(drain.Service, drain.Tenure, out var lease))
            {
                return;
            }

            switch (lease.Phase)
            {
                case LeasePhase.Acquiring:
                    BeginStopping(lease, now, $"{drain.Reason}, before the lease was acknowledged");
                    break;
                case LeasePhase.Held or LeasePhase.Running:
                    Set(lease with { Phase = LeasePhase.Draining, Reason = drain.Reason });
                    _effects.Add(new StopService(lease.Service, lease.Tenure, now + drain.Grace, drain.Reason));
                    break;
            }
        }

        public void Bury(ServiceDead dead)
        {
            if (!TryGet(dead.Service, dead.Tenure, out var lease))
            {
                return;
            }

            switch (lease.Phase)
            {
                case LeasePhase.Stopping:
                    Close(lease, lease.Reason);
                    break;
                case LeasePhase.Held or LeasePhase.Running or LeasePhase.Draining:
                    Set(lease with { Phase = LeasePhase.Drained, Reason = lease.Reason ?? "the service ended" });
                    break;
            }
        }

        public void CloseDrained(CloseRequested close)
        {
            if (TryGet(close.Service, close.Tenure, out var lease) && lease.Phase == LeasePhase.Drained)
            {
                Close(lease, lease.Reason);
            }
        }

        public void StartIfReady(string service)
        {
            var lease = _state.Leases[service];
            if (lease is { Phase: LeasePhase.Held, Prepared: true, StopAt: { } stopAt } && !stopAt.MayHaveComeBy(now))
            {
                Set(lease with { Phase = LeasePhase.Running });
                _effects.Add(new StartService(service, lease.Tenure, stopAt));
            }
        }

        public void RenewIfDue(string service, bool share, bool shareEarly)
        {
            var lease = _state.Leases[service];
            var due = lease.IsNextRoundEarly
                ? shareEarly ? lease.NextRoundAt - (lease.Timings.RetryAfter / 2) : lease.NextRoundAt
                : share ? lease.NextRoundAt - (lease.Timings.RenewEvery / 2) : lease.NextRoundAt;
            if (!IsRenewed(lease.Phase) || !due.MayHaveComeBy(now))
            {
                return;
            }

            var number = _state.LastRound + 1;
            var rounds = lease.Rounds.Add(new Round(number, now, ImmutableSortedSet.Create<string>(StringComparer.Ordinal)));
            _state = _state with { LastRound = number };
            Set(lease with
            {
                Rounds = rounds.Count > OpenRounds ? rounds.RemoveAt(0) : rounds,
                NextRoundAt = now + lease.Timings.RenewEvery,
                IsNextRoundEarly = false,
            });

            var id = new RoundId(_state.BootId, _state.Incarnation, number);
            foreach (var voter in lease.Voters)
            {
                _effects.Add(new SendRenew(voter, new Renew(service, lease.Epoch, _state.Node, lease.Timings.Ttl, id)));
            }
        }

        public void Update(string service, long tenure, Func<HeldLease, HeldLease> change)
        {
            if (TryGet(service, tenure, out var lease))
            {
                Set(change(lease));
            }
        }

        private static bool IsRenewed(LeasePhase phase) =>
            phase is LeasePhase.Acquiring or LeasePhase.Held or LeasePhase.Running or LeasePhase.Draining or LeasePhase.Drained;

        private void BeginStopping(HeldLease lease, Instant killAt, string reason)
        {
            Set(lease with { Phase = LeasePhase.Stopping, Reason = reason, Rounds = [] });
            _effects.Add(new StopService(lease.Service, lease.Tenure, killAt, reason));
        }

        /// <summary>Irrevocable: the epoch is consumed on disk, and nothing leads from closed to another phase (R4).</summary>
        private void Close(HeldLease lease, string? reason)
        {
            Set(lease with { Phase = LeasePhase.Closed, Reason = reason, Rounds = [] });
            SendReleases(lease.Service, lease.Epoch, lease.Voters);
        }

        private void SendReleases(string service, long epoch, ImmutableSortedSet<string> voters)
        {
            foreach (var voter in voters)
            {
                _effects.Add(new SendRelease(voter, new Release(service, epoch, _state.Node)));
            }
        }

        private bool TryGet(string service, long tenure, out HeldLease lease) =>
            _state.Leases.TryGetValue(service, out lease!) && lease.Tenure == tenure && lease.Phase != LeasePhase.Closed;

        private void Set(HeldLease lease) => _state = _state with { Leases = _state.Leases.SetItem(lease.Service, lease) };
    }
}
