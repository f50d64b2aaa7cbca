using ClusterFs.Lease.Holder;

namespace ClusterFs.Lease.Ownership;

/// <content>What people ask for.</content>
internal sealed partial class OwnershipStep
{
    public void RequestMove(MoveRequested move)
    {
        if (_state.AskedMove is not null)
        {
            _effects.Add(new AnswerRequest(move.Request, false, "another move of it is being asked for; try again"));
            return;
        }

        _state = _state with { AskedMove = new AskedMove(move, now + AskedMove.Patience) };
    }

    private void BeginAskedMove()
    {
        if (_state.AskedMove is not { } asked)
        {
            return;
        }

        var (request, to) = (asked.Request.Request, asked.Request.To);
        var hindrance = HindranceOf(asked.Request);
        if (hindrance is { Passes: true } && asked.Request.Why is MoveReason.Asked && !asked.Until.HasComeBy(now))
        {
            return;
        }

        _state = _state with { AskedMove = null };
        if (hindrance is not null)
        {
            _effects.Add(new AnswerRequest(request, false, hindrance.Why));
            return;
        }

        _state = _state with { Asking = request };
        Write(new MoveBegun(Unstamped, Record.OpenGrant!.Node, to, Record.Epoch) { Why = asked.Request.Why });
    }

    /// <summary>
    /// Who waits is known from what the nodes said, and an incarnation that has just begun, as it does after a move to where it was, has heard nobody
    /// yet; nor has, right after a grant, the owner before said that it waits again.
    /// </summary>
    private MoveHindrance? HindranceOf(MoveRequested move)
    {
        var from = Record.OpenGrant?.Node;
        var mayNotHaveHeard = !_state.BelieveExpiryFrom.HasComeBy(now);
        return _state.Pending is not null || _state.Asking is not null ? new MoveHindrance("another decision is being journalled; try again", Passes: true)
            : !Settings.Nodes.Contains(move.To) ? Lasts($"{move.To} may not own it; the nodes that may: {string.Join(", ", Settings.Nodes)}")
            : from == move.To ? Lasts($"{move.To} owns it already")
            : from is null || _state.Fencing is not null ? Lasts("it has no owner at the moment")
            : Record.Move is { } other ? Lasts($"it is being moved to {other.To}")
            : OwnershipMachine.ObstacleOf(_state, move.To, now) is { } obstacle ? new MoveHindrance(WhyNot(move.To, obstacle), mayNotHaveHeard)
            : !OwnershipMachine.IsHeard(_state, from, now) ? new MoveHindrance($"the daemon of its owner {from} does not answer", mayNotHaveHeard)
            : _state.Reports[from].Report.Phase != LeasePhase.Running ? Lasts($"it does not run on {from} yet")
            : null;

        static MoveHindrance Lasts(string why) => new(why, Passes: false);
    }

    private static string WhyNot(string to, CandidateObstacle obstacle) => obstacle switch
    {
        CandidateObstacle.Silent => $"the daemon of {to} does not answer",
        CandidateObstacle.NotWanted => $"nothing waits for it on {to}: start its `clusterfs run` or `hold` there",
        CandidateObstacle.NotClosed => $"what {to} had of it is not over there yet",
        _ => throw new ArgumentOutOfRangeException(nameof(obstacle), obstacle, "unknown obstacle"),
    };

    public void RequestPause(PauseRequested pause)
    {
        if (_state.Pending is not null || _state.Asking is not null)
        {
            _effects.Add(new AnswerRequest(pause.Request, false, "another decision is being journalled; try again"));
        }
        else if (pause.Pause == Record.Paused && (pause.Pause || Record is { Damped: null, Failback: null or { HoldsBack: false }, Together: null or { HoldsBack: false } }))
        {
            _effects.Add(new AnswerRequest(pause.Request, true, pause.Pause ? "paused already" : "not paused"));
        }
        else
        {
            _state = _state with { Asking = pause.Request };
            Write(pause.Pause ? new OwnershipPaused(Unstamped) : new OwnershipResumed(Unstamped));
        }
    }

    private void Answer(bool accepted, string message)
    {
        if (_state.Asking is { } request)
        {
            _state = _state with { Asking = null };
            _effects.Add(new AnswerRequest(request, accepted, message));
        }
    }
}
