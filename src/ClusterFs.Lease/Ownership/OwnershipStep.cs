using System.Collections.Immutable;
using ClusterFs.Lease.Holder;
using ClusterFs.Lease.Voter;

namespace ClusterFs.Lease.Ownership;

/// <summary>One step of <see cref="OwnershipMachine"/>: the state as it changes, and the effects as they come.</summary>
internal sealed partial class OwnershipStep(OwnershipState state, Instant now)
{
    private readonly ImmutableArray<OwnershipEffect>.Builder _effects = ImmutableArray.CreateBuilder<OwnershipEffect>();
    private OwnershipState _state = state;

    public (OwnershipState, ImmutableArray<OwnershipEffect>) Result => (_state, _effects.ToImmutable());

    private OwnershipSettings Settings => _state.Settings;

    private OwnershipRecord Record => _state.Record;

    /// <summary>
    /// Why the service needs a new epoch, as of now: an owner that did not hand over was lost, in the middle of a move either, whether its epoch
    /// was closed or not; one that did after a fence was begun was moved from.
    /// </summary>
    private GrantCause Cause => Record switch
    {
        { OpenGrant: not null } => GrantCause.Failover,
        { Move: not null } => Record.HandedOver ? GrantCause.Move : GrantCause.Failover,
        _ => GrantCause.Start,
    };

    /// <summary>The journal gives an event the time of the wall clock when it is written.</summary>
    private static DateTimeOffset Unstamped => DateTimeOffset.UnixEpoch;

    public void Hear(NodeReport report)
    {
        _state = _state with
        {
            Reports = _state.Reports.SetItem(report.Node, new HeardReport(report, now)),
            Running = FlapDamping.Watch(_state, report, now),
        };
        JoinWaiting();
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

    /// <summary>What a node said before it went away counts no longer when it is back: it may have come back as another one.</summary>
    public void Note(NodesAway away) => _state = _state with
    {
        Away = away.Nodes,
        Reports = _state.Reports.SetItems(_state.Reports
            .Where(report => away.Nodes.Contains(report.Key))
            .Select(report => KeyValuePair.Create(report.Key, report.Value with { IsOld = true }))),
    };

    public void Note(PlacementNoted noted) => _state = _state with { Placement = noted.Placement };

    /// <summary>What answers no question that is open is forgotten: it must not answer a later one.</summary>
    public void HearFence(NodeFenced fenced)
    {
        var heard = _state with { PowerAnswer = fenced };
        _state = PowerFencing.Note(heard) is null ? _state : heard;
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
                    SaidExpired = false,
                    Suspected = false,
                    BelieveExpiryFrom = now + grant.Ttl,
                    NextProbeAt = now + grant.Ttl,
                };
                _effects.Add(new TellGrant(grant.Node, grant, Record.Tenure));
                break;
            case OwnershipContinued when Record.OpenGrant is { } grant:
                _state = _state with { Expired = false, SaidExpired = false, Suspected = false, BelieveExpiryFrom = now + grant.Ttl, NextProbeAt = now + grant.Ttl };
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
        else if (FenceIsOver() && OwnershipMachine.HeldBack(_state) is null && OwnershipMachine.IsCandidate(_state, reserved.Node, now))
        {
            Write(new OwnershipGranted(
                Unstamped, fencing.Epoch, reserved.Node, Settings.Voters, Settings.Timings.Ttl, Settings.Timings.StopBudget, Cause));
        }
    }

    public void Decide()
    {
        if (_effects.Any(effect => effect is RecoverAgain))
        {
            return;
        }

        BeginAskedMove();
        if (_state.Pending is not null)
        {
            return;
        }

        if (Record.OpenGrant is { } grant && _state.Reports.TryGetValue(grant.Node, out var owner) && owner.Report.ClosedEpoch >= Record.Tenure)
        {
            Write(new OwnershipReleased(Unstamped, grant.Epoch, grant.Node, owner.Report.Reason ?? "released")
            {
                HandedOver = owner.Report.HandedOver == Record.Tenure,
            });
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
        if (!mayFence || OwnershipMachine.HeldBack(_state) is not null || OwnershipMachine.NextOwner(_state, now) is not { } next)
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

            Write(new FencingBegun(Unstamped, Record.Epoch + 1, Cause));
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

    private void Write(OwnershipEvent happened)
    {
        _state = _state with { Pending = happened };
        _effects.Add(new Journal(happened));
    }
}
