using System.Collections.Immutable;
using ClusterFs.Lease.Holder;
using ClusterFs.Lease.Voter;

namespace ClusterFs.Lease.Ownership;

/// <summary>One step of <see cref="OwnershipMachine"/>: the state as it changes, and the effects as they come.</summary>
internal sealed class OwnershipStep(OwnershipState state, Instant now)
{
    private readonly ImmutableArray<OwnershipEffect>.Builder _effects = ImmutableArray.CreateBuilder<OwnershipEffect>();
    private OwnershipState _state = state;

    public (OwnershipState, ImmutableArray<OwnershipEffect>) Result => (_state, _effects.ToImmutable());

    private OwnershipSettings Settings => _state.Settings;

    private OwnershipRecord Record => _state.Record;

    /// <summary>The journal gives an event the time of the wall clock when it is written.</summary>
    private static DateTimeOffset Unstamped => DateTimeOffset.UnixEpoch;

    public void Hear(NodeReport report)
    {
        _state = _state with
        {
            Reports = _state.Reports.SetItem(report.Node, new HeardReport(report, now)),
            Running = FlapDamping.Watch(_state, report, now),
        };
        if (Record.OpenGrant is not { } grant || grant.Node != report.Node)
        {
            return;
        }

        if (report.Epoch < grant.Epoch && _state.Fencing is null)
        {
            _effects.Add(new TellGrant(grant.Node, grant, Record.Tenure));
        }
        else if (report.Epoch == grant.Epoch && Record.Move is { } move && report.Phase is LeasePhase.Held or LeasePhase.Running)
        {
            _effects.Add(new TellDrain(grant.Node, Record.Tenure, move.To));
        }
        else if (MayContinue() is { } continued)
        {
            Reserve(continued.Epoch, grant.Node);
        }
    }

    /// <summary>What answers no question that is open is forgotten: it must not answer a later one.</summary>
    public void HearFence(NodeFenced fenced)
    {
        var heard = _state with { PowerAnswer = fenced };
        _state = PowerFencing.Note(heard) is null ? _state : heard;
    }

    public void CountProbe(ProbeReply reply)
    {
        if (reply.Abstains)
        {
            Join(reply.Voter, reply.Identity);
        }

        if (_state.Probing is { } round && round.Nonce == reply.Nonce && _state.Electorate.Contains(reply.Voter))
        {
            _state = _state with { Probing = round with { Answers = round.Answers.SetItem(reply.Voter, reply) } };
        }
    }

    public void CountFence(FenceReply reply)
    {
        if (reply.Outcome == FenceOutcome.Abstained)
        {
            Join(reply.Voter, reply.Identity);
            return;
        }

        if (_state.Fencing is not { } round || round.Nonce != reply.Nonce || round.Epoch != reply.Epoch)
        {
            return;
        }

        switch (reply.Outcome)
        {
            case FenceOutcome.Raised when _state.Electorate.Contains(reply.Voter):
                // The answer was on its way for a while, so waiting from now on is waiting too long rather than too short.
                _state = _state with { Fencing = round with { Raised = round.Raised.SetItem(reply.Voter, now + reply.Remaining) } };
                break;
            case FenceOutcome.BelowFloor:
                _effects.Add(new RecoverAgain($"voter {reply.Voter} knows {reply.Floor}, above epoch {reply.Epoch} that was to be fenced"));
                break;
            case FenceOutcome.Promised when !IsOverPromises:
                // A majority said "expired" and this voter renewed since: the holder lives. Ask again before disturbing anyone further.
                _state = _state with { Fencing = null, Expired = false, NextProbeAt = now + reply.Remaining };
                break;
        }
    }

    public void Apply(OwnershipEvent happened)
    {
        _state = _state with { Record = Record.Apply(happened), Pending = null };
        switch (happened)
        {
            case VoterJoined joined:
                SendJoin(joined.Voter, joined.Identity);
                break;
            case OwnershipGranted grant:
                _state = _state with
                {
                    Fencing = null,
                    Probing = null,
                    Expired = false,
                    Suspected = false,
                    BelieveExpiryFrom = now + grant.Ttl,
                    NextProbeAt = now + grant.Ttl,
                };
                _effects.Add(new TellGrant(grant.Node, grant, Record.Tenure));
                break;
            case OwnershipContinued when Record.OpenGrant is { } grant:
                _state = _state with { Expired = false, Suspected = false, BelieveExpiryFrom = now + grant.Ttl, NextProbeAt = now + grant.Ttl };
                _effects.Add(new TellGrant(grant.Node, grant, Record.Tenure));
                break;
            case OwnerPowerFenced { Succeeded: true } cut when Record.OpenGrant is { } dead && dead.Node == cut.Node:
                // No other node is acked while promises to the dead owner run. They are its own to give up (R4), and it cannot any more.
                foreach (var voter in _state.Electorate)
                {
                    _effects.Add(new AskVoter(voter, new Release(Settings.Service, dead.Epoch, dead.Node)));
                }

                break;
            case MoveBegun move:
                Answer(true, $"moving from {move.From} to {move.To}");
                if (Record.OpenGrant is { } open)
                {
                    _effects.Add(new TellDrain(open.Node, Record.Tenure, move.To));
                }

                break;
            case OwnershipPaused:
                Answer(true, "paused: nothing is granted until resumed");
                break;
            case OwnershipResumed:
                Answer(true, "resumed");
                break;
        }
    }

    public void Reserved(EpochReserved reserved)
    {
        if (!_state.Reserving || Record.OpenFencing is not { } fencing || fencing.Epoch != reserved.Epoch)
        {
            return;
        }

        _state = _state with { Reserving = false };
        if (_state.Pending is not null)
        {
            return;
        }

        if (!reserved.Reserved)
        {
            // An earlier incarnation took the epoch for another node and did not live to journal it: the epoch is spent.
            Write(new FencingBegun(Unstamped, fencing.Epoch + 1, fencing.Cause));
            _state = _state with { Fencing = null };
        }
        else if (MayContinue() is not null && reserved.Node == Record.Grant!.Node)
        {
            Write(new OwnershipContinued(Unstamped, fencing.Epoch, reserved.Node));
        }
        else if (FenceIsOver() && OwnershipMachine.IsCandidate(_state, reserved.Node, now))
        {
            Write(new OwnershipGranted(
                Unstamped, fencing.Epoch, reserved.Node, Settings.Voters, Settings.Timings.Ttl, Settings.Timings.StopBudget, fencing.Cause));
        }
    }

    public void RequestMove(MoveRequested move)
    {
        var from = Record.OpenGrant?.Node;
        var refusal =
            _state.Pending is not null || _state.Asking is not null ? "another decision is being journalled; try again"
            : !Settings.Nodes.Contains(move.To) ? $"{move.To} may not own it; the nodes that may: {string.Join(", ", Settings.Nodes)}"
            : from == move.To ? $"{move.To} owns it already"
            : from is null || _state.Fencing is not null ? "it has no owner at the moment"
            : Record.Move is { } other ? $"it is being moved to {other.To}"
            : !OwnershipMachine.IsCandidate(_state, move.To, now) ? $"nothing waits for it on {move.To}: start its `clusterfs run` or `hold` there"
            : !_state.Reports.TryGetValue(from, out var heard) || now.LongestSince(heard.At) >= OwnershipSettings.ReportFreshness
                ? $"the daemon of its owner {from} does not answer"
            : heard.Report.Phase != LeasePhase.Running ? $"it does not run on {from} yet"
            : null;
        if (refusal is not null)
        {
            _effects.Add(new AnswerRequest(move.Request, false, refusal));
            return;
        }

        _state = _state with { Asking = move.Request };
        Write(new MoveBegun(Unstamped, from!, move.To, Record.Epoch));
    }

    public void RequestPause(PauseRequested pause)
    {
        if (_state.Pending is not null || _state.Asking is not null)
        {
            _effects.Add(new AnswerRequest(pause.Request, false, "another decision is being journalled; try again"));
        }
        else if (pause.Pause == Record.Paused && (pause.Pause || Record.Damped is null))
        {
            _effects.Add(new AnswerRequest(pause.Request, true, pause.Pause ? "paused already" : "not paused"));
        }
        else
        {
            _state = _state with { Asking = pause.Request };
            Write(pause.Pause ? new OwnershipPaused(Unstamped) : new OwnershipResumed(Unstamped));
        }
    }

    public void Decide()
    {
        if (_state.Pending is not null || _effects.Any(effect => effect is RecoverAgain))
        {
            return;
        }

        if (Record.OpenGrant is { } grant && _state.Reports.TryGetValue(grant.Node, out var owner) && owner.Report.ClosedEpoch >= Record.Tenure)
        {
            Write(new OwnershipReleased(Unstamped, grant.Epoch, grant.Node, owner.Report.Reason ?? "released"));
            return;
        }

        if (MoveIsHopeless() is { } hopeless)
        {
            Write(new MoveAbandoned(Unstamped, hopeless.To, "nothing waits for it there any more"));
            return;
        }

        if (Settings.Damping?.Note(_state, now) is { } noted)
        {
            Write(noted);
            return;
        }

        if (PowerFencing.Note(_state) is { } cut)
        {
            _state = _state with { PowerAnswer = null };
            Write(cut);
            return;
        }

        ReadProbes();
        ProbeIfDue();

        var mayFence = Record.OpenGrant is null || _state.Expired || _state.Suspected;
        var isHeldBack = (Record.Paused || Record.Damped is not null) && Record.Move is null;
        if (!mayFence || isHeldBack || OwnershipMachine.NextOwner(_state, now) is not { } next)
        {
            return;
        }

        if (Record.OpenFencing is not { } fencing)
        {
            if (Settings.Damping?.IsDue(Record) == true)
            {
                Write(new OwnershipDamped(Unstamped, Record.Epoch, Record.Flaps));
                return;
            }

            var cause = Record.Move is not null ? GrantCause.Move : Record.OpenGrant is not null ? GrantCause.Failover : GrantCause.Start;
            Write(new FencingBegun(Unstamped, Record.Epoch + 1, cause));
            return;
        }

        if (FenceIsOver())
        {
            Reserve(fencing.Epoch, next);
        }
        else
        {
            FenceIfDue(fencing.Epoch);
            if (Settings.PowerFencing?.Target(_state) is { } target)
            {
                _state = _state with { Fencing = _state.Fencing! with { PowerAsked = true } };
                _effects.Add(new RunFence(target, fencing.Epoch));
            }
        }
    }

    /// <summary>
    /// The epoch that the owner is to go on under, because a fence for it was broken off; null when there is none. No fence and no wait are
    /// needed: whoever else might be fencing for it writes to the same journal, and nobody but the owner can hold a promise.
    /// </summary>
    private FencingBegun? MayContinue() =>
        Record is { OpenFencing: { } fencing, OpenGrant: not null, Move: null }
        && _state is { Fencing: null, Expired: false, Suspected: false }
        && OwnershipMachine.OwnerRuns(_state, now)
            ? fencing
            : null;

    private void Reserve(long epoch, string node)
    {
        if (_state is { Reserving: false, Pending: null })
        {
            _state = _state with { Reserving = true };
            _effects.Add(new ReserveEpoch(epoch, node));
        }
    }

    /// <summary>Floors rise although promises run: the holder agreed, or its power is about to be cut. What is promised is waited for.</summary>
    private bool IsOverPromises => Record.OpenGrant is null || _state.Suspected;

    /// <summary>A move whose target is gone while the owner still runs: to stop the owner for it would help nobody.</summary>
    private MoveBegun? MoveIsHopeless() =>
        Record.Move is { } move
        && Record.OpenGrant is { } grant
        && _state.Reports.TryGetValue(grant.Node, out var owner)
        && owner.Report.Phase is LeasePhase.Running
        && _state.BelieveExpiryFrom.HasComeBy(now)
        && !OwnershipMachine.IsCandidate(_state, move.To, now)
            ? move
            : null;

    /// <summary>A majority whose promises are over has a voter in common with any majority that the old holder counts on.</summary>
    private bool FenceIsOver() =>
        _state.Fencing is { } round
        && round.Epoch == Record.OpenFencing?.Epoch
        && (PowerFencing.EndsTheWait(_state)
            || Quorum.Reached(_state.Electorate, round.Raised.Where(voter => voter.Value.HasComeBy(now)).Select(voter => voter.Key)));

    private void FenceIfDue(long epoch)
    {
        if (_state.Fencing is { } round && round.Epoch == epoch && now.ShortestSince(round.AskedAt) < Settings.Timings.ProbeFreshness)
        {
            return;
        }

        var nonce = _state.Fencing is { } open && open.Epoch == epoch ? open.Nonce : NextNonce();
        var raised = _state.Fencing is { } known && known.Epoch == epoch
            ? known.Raised
            : ImmutableSortedDictionary.Create<string, Instant>(StringComparer.Ordinal);
        var asked = _state.Fencing is { PowerAsked: true } same && same.Epoch == epoch;
        _state = _state with { Fencing = new FenceRound(nonce, epoch, now, raised) { PowerAsked = asked } };
        foreach (var voter in _state.Electorate.Where(voter => !raised.ContainsKey(voter)))
        {
            _effects.Add(new AskVoter(voter, new Fence(Settings.Service, epoch, IsOverPromises, nonce)));
        }
    }

    private void ReadProbes()
    {
        if (_state.Probing is not { } round || now.LongestSince(round.BegunAt) >= Settings.Timings.ProbeFreshness)
        {
            // What was answered too long ago proves nothing any more.
            var stands = _state.Fencing is not null;
            _state = _state with { Probing = null, Expired = _state.Expired && stands, Suspected = _state.Suspected && stands };
            return;
        }

        var remaining = round.Answers.Values
            .Where(answer => !answer.Abstains && _state.Electorate.Contains(answer.Voter))
            .Select(answer => answer.Remaining)
            .Order()
            .ToList();
        var quorum = Quorum.Of(_state.Electorate.Count);
        if (remaining.Count < quorum)
        {
            return;
        }

        var expiresIn = remaining[quorum - 1];
        if (expiresIn <= TimeSpan.Zero)
        {
            _state = _state with { Expired = Record.OpenGrant is not null && _state.BelieveExpiryFrom.HasComeBy(now) };
        }
        else
        {
            // No majority can have expired before the one that takes longest to make it up.
            // What a fence was begun for is not taken back while it is under way.
            var suspected = _state.Fencing is null ? Settings.PowerFencing?.Suspects(_state, expiresIn, now) == true : _state.Suspected;
            _state = _state with { Expired = false, Suspected = suspected, NextProbeAt = round.BegunAt + expiresIn };
        }
    }

    private void ProbeIfDue()
    {
        var isWatching = _state.Probing is null && Settings.PowerFencing?.Watches(_state, now) == true;
        if (Record.OpenGrant is null || _state.Fencing is not null || !(isWatching || _state.NextProbeAt.HasComeBy(now)))
        {
            return;
        }

        var nonce = NextNonce();
        _state = _state with
        {
            Probing = new ProbeRound(nonce, now, ImmutableSortedDictionary.Create<string, ProbeReply>(StringComparer.Ordinal)),
            NextProbeAt = now + Settings.Timings.ProbeFreshness,
        };
        foreach (var voter in _state.Electorate)
        {
            _effects.Add(new AskVoter(voter, new Probe(Settings.Service, nonce)));
        }
    }

    private void Join(string voter, Guid identity)
    {
        if (Record.Joined.TryGetValue(voter, out var known) && known == identity)
        {
            SendJoin(voter, identity);
        }
        else if (_state.Pending is null)
        {
            Write(new VoterJoined(Unstamped, voter, identity));
        }
    }

    private void SendJoin(string voter, Guid identity) => _effects.Add(new AskVoter(
        voter,
        new Join(Settings.Service, identity, Record.Floor, Record.LongestTtl > Settings.Timings.Ttl ? Record.LongestTtl : Settings.Timings.Ttl)));

    private void Write(OwnershipEvent happened)
    {
        _state = _state with { Pending = happened };
        _effects.Add(new Journal(happened));
    }

    private void Answer(bool accepted, string message)
    {
        if (_state.Asking is { } request)
        {
            _state = _state with { Asking = null };
            _effects.Add(new AnswerRequest(request, accepted, message));
        }
    }

    private Guid NextNonce()
    {
        var number = _state.LastNonce + 1;
        _state = _state with { LastNonce = number };
        Span<byte> bytes = stackalloc byte[16];
        _state.Incarnation.TryWriteBytes(bytes);
        var mixed = BitConverter.ToInt64(bytes[8..]) ^ number;
        BitConverter.TryWriteBytes(bytes[8..], mixed);
        return new Guid(bytes);
    }
}
