using ClusterFs.Lease.Holder;

namespace ClusterFs.Lease.Ownership;

/// <content>What people ask for.</content>
internal sealed partial class OwnershipStep
{
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
            : !OwnershipMachine.IsHeard(_state, from, now) ? $"the daemon of its owner {from} does not answer"
            : _state.Reports[from].Report.Phase != LeasePhase.Running ? $"it does not run on {from} yet"
            : null;
        if (refusal is not null)
        {
            _effects.Add(new AnswerRequest(move.Request, false, refusal));
            return;
        }

        _state = _state with { Asking = move.Request };
        Write(new MoveBegun(Unstamped, from!, move.To, Record.Epoch) { Why = move.Why });
    }

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
