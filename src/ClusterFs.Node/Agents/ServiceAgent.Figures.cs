using ClusterFs.Lease;
using ClusterFs.Lease.Holder;
using ClusterFs.Lease.Ownership;
using ClusterFs.Node.Content;
using ClusterFs.Ownership;

namespace ClusterFs.Node.Agents;

/// <summary>What is counted and traced of the work on a service.</summary>
internal sealed partial class ServiceAgent
{
    private WorkTally _tally = WorkTally.None;
    private DateTimeOffset _workBegunAt;
    private DateTimeOffset _preparedAt;
    private (long Epoch, Instant At, bool Moved) _granted;
    private long _startedTenure;

    private void TraceRestore(Work work, WorkResult result)
    {
        if (work.Kind is not WorkKind.TakeOver)
        {
            return;
        }

        _preparedAt = _surroundings.Time.GetUtcNow();
        FailoverTrace.Tell(
            "restore", Service, work.Epoch, _state.Settings.Node, _workBegunAt, _preparedAt,
            problem: result.Outcome is WorkOutcome.Done ? null : result.Problem ?? result.Explanation);
    }

    /// <summary>Counts a tenure that this agent prepared and that now runs; one that it found running is none of its own.</summary>
    private void NoteStart()
    {
        if (_state.Guard is not { Phase: LeasePhase.Running, OpenTenure: { } tenure } || tenure <= _startedTenure || _state.PreparedEpoch != tenure)
        {
            return;
        }

        _startedTenure = tenure;
        var took = _granted.Epoch == tenure ? Now.LongestSince(_granted.At) : TimeSpan.Zero;
        var cause = _view is { FailedOver: true } view && view.Tenure == tenure ? GrantCause.Failover
            : _granted.Moved && _granted.Epoch == tenure ? GrantCause.Move
            : GrantCause.Start;
        _tally = _tally.WithStart(cause, took);
        FailoverTrace.Tell("start", Service, tenure, _state.Settings.Node, _preparedAt, _surroundings.Time.GetUtcNow());
    }
}
